// The manual pages in roff, written from the same table as help: one for the program, one for each command. They carry no
// date, so that a build repeats itself.

internal import Model

extension CommandTable {
    /// By file name: `tandem.1`, `tandem-run.1`, `tandem-b-now.1`.
    package var manualPages: [String: String] {
        var pages = ["\(program).1": manualPage()]
        for command in listed { pages["\(pageName(of: command)).1"] = manualPage(of: command) }
        return pages
    }

    private func pageName(of command: Command) -> String { ([program] + command.words).joined(separator: "-") }

    private func manualPage(of command: Command) -> String {
        var page = RoffPage()
        let name = pageName(of: command)
        page.macro("TH", name.uppercased(), "1", "", "\(program) \(version)", "")
        page.macro("SH", "NAME")
        page.text("\(name) - \(command.summary)")
        page.macro("SH", "SYNOPSIS")
        page.bold(program, then: synopsis(of: command).joined(separator: " "))
        if !command.details.isEmpty {
            page.macro("SH", "DESCRIPTION")
            page.paragraphs(command.details)
        }
        page.macro("SH", "OPTIONS")
        for option in command.options + common { page.item(option.heading, option.explanation) }
        if !command.examples.isEmpty {
            page.macro("SH", "EXAMPLES")
            for (line, meaning) in command.examples { page.item(line, meaning) }
        }
        page.macro("SH", "EXIT STATUS")
        for code in ExitCode.allCases { page.item(String(code.rawValue), code.meaning) }
        page.macro("SH", "SEE ALSO")
        page.text("`\(program)`(1)")
        return page.lines.joined(separator: "\n")
    }

    package func manualPage() -> String {
        var page = RoffPage()
        page.macro("TH", program.uppercased(), "1", "", "\(program) \(version)", "")
        page.macro("SH", "NAME")
        page.text("\(program) - \(summary)")
        page.macro("SH", "SYNOPSIS")
        page.bold(program, then: "COMMAND [OPTION…] [ARGUMENT…]")
        page.macro("SH", "COMMANDS")
        for command in listed { describe(command, on: &page) }
        page.macro("SH", "OPTIONS")
        page.text("Every command has these options.")
        for option in common { page.item(option.heading, option.explanation) }
        page.macro("SH", "EXIT STATUS")
        for code in ExitCode.allCases { page.item(String(code.rawValue), code.meaning) }
        return page.lines.joined(separator: "\n")
    }

    private func describe(_ command: Command, on page: inout RoffPage) {
        page.macro("SS", synopsis(of: command).joined(separator: " "))
        page.text(command.summary)
        page.paragraphs(command.details)
        for option in command.options { page.item(option.heading, option.explanation) }
        for (line, meaning) in command.examples {
            page.paragraph([meaning])
            page.verbatim([line])
        }
    }
}

extension Option {
    /// `-c, --config FILE`
    fileprivate var heading: String { (short.map { "-\($0), " } ?? "") + usage }
}
