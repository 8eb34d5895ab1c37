// A shop that sells by the example of docs/guide.md: Shop OLD NEW MODE COUNT WORKERS. Prints how many purchases it was told of.
import java.math.BigDecimal;
import java.sql.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;

public final class Shop {
    private static final Set<String> AGAIN = Set.of("40001", "40P01", "55P03", "23503", "23505");
    private static final AtomicInteger sold = new AtomicInteger();

    public static void main(String[] arguments) throws Exception {
        String old = arguments[0], anew = arguments[1];
        int mode = Integer.parseInt(arguments[2]), count = Integer.parseInt(arguments[3]);
        int workers = Integer.parseInt(arguments[4]);
        List<Callable<Void>> work = new ArrayList<>();
        for (int worker = 0; worker < workers; worker++) {
            int number = worker;
            work.add(() -> { sell(old, anew, mode, count / workers, number); return null; });
        }
        ExecutorService threads = Executors.newFixedThreadPool(workers);
        try {
            for (Future<Void> one : threads.invokeAll(work)) one.get();
        } finally {
            threads.shutdownNow();
        }
        System.out.println(sold + " sold");
    }

    private static Connection open(String address) throws SQLException {
        Connection connection = DriverManager.getConnection(address);
        connection.setAutoCommit(false);
        return connection;
    }

    private static void sell(String oldAddress, String newAddress, int mode, int count, int number) throws Exception {
        Random chance = new Random(number);
        long tried = 0;
        try (Connection old = open(oldAddress)) {
            Connection anew = open(newAddress);
            System.err.println("ready");
            for (int i = 0; i < count; i++) {
                if (anew.isClosed() && System.nanoTime() > tried + 500_000_000L) {
                    tried = System.nanoTime();
                    try { anew = open(newAddress); } catch (SQLException away) { /* mode 3 goes on without it */ }
                }
                buy(old, anew, mode, 1 + chance.nextInt(5), number);
                sold.incrementAndGet();
                Thread.sleep(5);
            }
            anew.close();
        }
    }

    private static void buy(Connection old, Connection anew, int mode, int book, int account) throws Exception {
        for (int attempt = 0; ; attempt++) {
            Both both = null;
            try {
                both = new Both(old, anew, mode);
                long order = next(old);
                both.write("UPDATE stock SET pieces = pieces - 1 WHERE book = ? AND pieces > 0", book);
                both.write("INSERT INTO orders (id, book, account, price) VALUES (?, ?, ?, ?)",
                    order, book, account, new BigDecimal("9.90"));
                both.commit();
                return;
            } catch (SQLException error) {
                if (both != null) both.rollback();
                if (attempt == 7 || !AGAIN.contains(String.valueOf(error.getSQLState()))) throw error;
                Thread.sleep(20L << attempt);
            }
        }
    }

    private static long next(Connection old) throws SQLException {
        try (Statement statement = old.createStatement();
            ResultSet found = statement.executeQuery("SELECT nextval('orders_id_seq')")) {
            found.next();
            return found.getLong(1);
        }
    }
}
