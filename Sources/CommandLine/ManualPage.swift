// The manual page in roff, written from the same table as help. It carries no date, so that a build repeats itself.

internal import Model

extension CommandTable {
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
        for paragraph in Wrapping.paragraphs(command.details) {
            if Wrapping.isVerbatim(paragraph) { page.verbatim(paragraph) } else { page.paragraph(paragraph) }
        }
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
