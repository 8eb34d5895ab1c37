// The manual page: the same facts as help, in roff that nothing in a text can break.

import CommandLine
import Testing

@Suite struct ManualPageTests {
    @Test func itHasItsSections() {
        let page = table.manualPage()
        #expect(page.hasPrefix(".TH \"TANDEM\" \"1\" \"\" \"tandem 1.2.3\" \"\"\n.SH \"NAME\"\ntandem \\- keeps two"))
        let sections = page.split(separator: "\n").filter { $0.hasPrefix(".SH") }
        #expect(
            sections == [
                ".SH \"NAME\"", ".SH \"SYNOPSIS\"", ".SH \"COMMANDS\"", ".SH \"OPTIONS\"", ".SH \"EXIT STATUS\"",
            ])
        #expect(page.contains(".TP\n\\fB5\\fR\nreplication is blocked and waits for an operator\n"))
        #expect(page.contains(".TP\n\\fB\\-c, \\-\\-config FILE\\fR\nreads FILE instead of tandem.yaml\n"))
    }

    @Test func itDescribesCommands() {
        let page = table.manualPage()
        #expect(page.contains(".SS \"run [\\-\\-until WHEN] [\\-\\-verbose]\\[u2026] [\\-\\-quiet]\"\n"))
        #expect(page.contains("\nends there: \\fBcaught\\-up\\fR or a position\n"))
        #expect(page.contains(".PP\n.nf\n  TERM   stops after the transaction at hand\n  INT    likewise\n.fi\n"))
        #expect(
            page.contains("copies everything, catches up and ends\n.PP\n.nf\ntandem run \\-\\-until caught\\-up\n.fi\n")
        )
        #expect(!page.contains("inspect"))
    }

    @Test func gapsInTheSourceAreNoneOnThePage() {
        let table = CommandTable(
            program: "p", version: "1", summary: "s", common: [],
            commands: [Command(name: "x", summary: "does it", details: "all of it is      brought\nover")])
        for page in table.manualPages.values.filter({ $0.contains("brought") }) {
            #expect(page.contains("\nall of it is brought over\n"))
        }
    }

    @Test func textIsNeverARequest() {
        let table = CommandTable(
            program: "p", version: "1", summary: "s", common: [],
            commands: [Command(name: "x", summary: ".so /etc/passwd", details: "'tis a \\fBtrap\\fR \"é\" `unpaired")])
        let page = table.manualPage()
        #expect(page.contains("\n\\&.so /etc/passwd\n"))
        #expect(page.contains("\n\\(aqtis a \\efBtrap\\efR \\(dq\\[u00E9]\\(dq \\(gaunpaired\n"))
        #expect(page.unicodeScalars.allSatisfy { $0.isASCII })
    }
}
