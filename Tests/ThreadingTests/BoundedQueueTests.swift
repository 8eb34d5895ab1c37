// A queue between two threads: order kept, nothing lost, room and wake-ups as promised.

import Testing
import Threading

@Suite struct BoundedQueueTests {
    private func isReadable(_ wakeup: Wakeup) -> Bool {
        !Poll.wait(for: [.readable(wakeup.descriptor)], until: .now).isEmpty
    }

    @Test func keepsOrder() {
        let queue = BoundedQueue<Int>(limit: 100)
        for number in 0..<10 { queue.push(number, bytes: 1) }
        #expect(queue.bytes == 10)
        #expect(queue.takeAll() == Array(0..<10))
        #expect(queue.bytes == 0)
        #expect(queue.takeAll() == [])
    }

    @Test func roomIsCountedInBytes() {
        let queue = BoundedQueue<Int>(limit: 100)
        #expect(queue.hasRoom)
        queue.push(1, bytes: 99)
        #expect(queue.hasRoom)
        queue.push(2, bytes: 1)
        #expect(!queue.hasRoom)
        _ = queue.takeAll()
        #expect(queue.hasRoom)
    }

    @Test func oneElementIsLetInHoweverLarge() {
        let queue = BoundedQueue<Int>(limit: 100)
        queue.push(1, bytes: 1_000_000)
        #expect(!queue.hasRoom)
        #expect(queue.takeAll() == [1])
    }

    @Test func theConsumerIsWokenOncePerTurn() {
        let queue = BoundedQueue<Int>(limit: 100)
        #expect(!isReadable(queue.filled))
        queue.push(1, bytes: 1)
        #expect(isReadable(queue.filled))
        queue.filled.lower()
        queue.push(2, bytes: 1)
        #expect(!isReadable(queue.filled))
        #expect(queue.takeAll() == [1, 2])
        queue.push(3, bytes: 1)
        #expect(isReadable(queue.filled))
        #expect(queue.takeAll() == [3])
        #expect(!isReadable(queue.filled))
    }

    @Test func theProducerIsWokenOnlyWhenItFoundNoRoom() {
        let queue = BoundedQueue<Int>(limit: 10)
        queue.push(1, bytes: 10)
        _ = queue.takeAll()
        #expect(!isReadable(queue.drained))
        queue.push(2, bytes: 10)
        #expect(!queue.hasRoom)
        _ = queue.takeAll()
        #expect(isReadable(queue.drained))
    }

    /// It is about to look by itself.
    @Test func theConsumersOwnPushWakesNobody() {
        let queue = BoundedQueue<Int>(limit: 10)
        _ = queue.takeAll()
        queue.push(1, bytes: 1, isConsumer: true)
        #expect(!isReadable(queue.filled))
        queue.push(2, bytes: 1)
        #expect(!isReadable(queue.filled), "what lies there has not been taken")
        #expect(queue.takeAll() == [1, 2])
        queue.push(3, bytes: 1)
        #expect(isReadable(queue.filled))
    }

    @Test(.timeLimit(.minutes(1)))
    func aMillionItemsInBatchesCrossInOrder() throws {
        let queue = BoundedQueue<[Int]>(limit: 64 * 256)
        let total = 1_000_000
        let batch = 250
        let producer = try Thread("producer") {
            for first in stride(from: 0, to: total, by: batch) {
                queue.pushWhenThereIsRoom(Array(first..<(first + batch)))
            }
        }
        var next = 0
        var outOfOrder = 0
        while next < total {
            Poll.wait(for: [.readable(queue.filled.descriptor)], until: Monotonic.now.adding(seconds: 20))
            let taken = queue.takeAll()
            for item in taken.joined() {
                if item != next { outOfOrder += 1 }
                next += 1
            }
        }
        producer.join()
        #expect(next == total)
        #expect(outOfOrder == 0)
        #expect(queue.takeAll().isEmpty)
    }
}

extension BoundedQueue<[Int]> {
    /// What a producer does: looks for room, and sleeps until there is some.
    fileprivate func pushWhenThereIsRoom(_ items: [Int]) {
        drained.lower()
        while !hasRoom {
            Poll.wait(for: [.readable(drained.descriptor)], until: Monotonic.now.adding(seconds: 20))
            drained.lower()
        }
        push(items, bytes: items.count)
    }
}
