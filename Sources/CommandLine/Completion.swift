// What a shell needs to complete a command line, written from the same table as help: commands, the second word of those with
// two, options, and the words that an option takes.

extension CommandTable {
    /// For bash, to be sourced or put where it looks for completions.
    package func bashCompletion() -> String {
        var cases: [String] = []
        for command in listed where command.name != CommandTable.help.name {
            let values = (command.options + common).compactMap { option -> String? in
                guard let words = option.completion else { return nil }
                return "            \(option.patterns)) \(words); return ;;"
            }
            cases.append(
                """
                        \(Shell.quoted(command.name)))
                            case $previous in
                \(values.joined(separator: "\n"))
                            esac
                            words=\(Shell.quoted((command.options + common).map(\.words).joined(separator: " ")))
                            ;;
                """)
        }
        let groups = firstWords.filter { !group([$0]).isEmpty }.map { word in
            "        \(word)) words=\(Shell.quoted(seconds(of: word).joined(separator: " "))) ;;"
        }
        return """
            # Completion of \(program) \(version) for bash.
            _\(program)() {
                local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command= words=
                COMPREPLY=()
                if [ "$COMP_CWORD" -eq 1 ]; then
                    COMPREPLY=($(compgen -W \(Shell.quoted((firstWords + standardWords).joined(separator: " "))) -- "$current"))
                    return
                fi
                command=${COMP_WORDS[1]}
                case $command in
            \(groups.joined(separator: "\n"))
                esac
                if [ -n "$words" ]; then
                    if [ "$COMP_CWORD" -eq 2 ]; then
                        COMPREPLY=($(compgen -W "$words" -- "$current"))
                        return
                    fi
                    command="$command ${COMP_WORDS[2]}"
                fi
                case $command in
            \(cases.joined(separator: "\n"))
                    help) COMPREPLY=($(compgen -W \(Shell.quoted(firstWords.joined(separator: " "))) -- "$current")); return ;;
                    *) return ;;
                esac
                COMPREPLY=($(compgen -W "$words" -- "$current"))
            }
            complete -F _\(program) \(program)

            """
    }

    /// For zsh, as `_tandem` somewhere in its `fpath`.
    package func zshCompletion() -> String {
        func described(_ pairs: [(String, String)]) -> String {
            pairs.map { "        " + Shell.quoted($0.replacing(":", with: "\\:") + ":" + $1) }.joined(separator: "\n")
        }
        let tops = firstWords.map { word in
            (word, command(named: word)?.summary ?? seconds(of: word).joined(separator: ", "))
        }
        let cases = listed.filter { $0.name != CommandTable.help.name }.map { command in
            let options = (command.options + common).map { "            " + Shell.quoted($0.zshSpecification) }
            return """
                    \(Shell.quoted(command.name)))
                        _arguments \\
                \(options.joined(separator: " \\\n"))
                        ;;
                """
        }
        let groups = firstWords.filter { !group([$0]).isEmpty }.map { word in
            """
                \(word))
                    if (( CURRENT == 2 )); then
                        _values 'command' \(seconds(of: word).map(Shell.quoted).joined(separator: " "))
                        return
                    fi
                    command="$command ${words[2]}"
                    shift words
                    (( CURRENT -= 1 ))
                    ;;
            """
        }
        return """
            #compdef \(program)
            # Completion of \(program) \(version) for zsh.
            _\(program)() {
                local -a commands
                commands=(
            \(described(tops))
                )
                if (( CURRENT == 2 )); then
                    _describe 'command' commands
                    return
                fi
                shift words
                (( CURRENT -= 1 ))
                local command=${words[1]}
                case $command in
            \(groups.joined(separator: "\n"))
                esac
                case $command in
            \(cases.joined(separator: "\n"))
                    help) _describe 'command' commands ;;
                esac
            }
            _\(program) "$@"

            """
    }

    /// Of every command the first word, each once, in the table's order.
    private var firstWords: [String] {
        var seen: Set<String> = []
        return listed.compactMap(\.words.first).filter { seen.insert($0).inserted }
    }

    private func seconds(of word: String) -> [String] { group([word]).map { $0.words[1] } }

    private var standardWords: [String] { CommandTable.standard.map { "--\($0.long)" } }
}

private enum Shell {
    /// One word for either shell.
    static func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
}

extension Option {
    fileprivate var words: String { (short.map { "-\($0) " } ?? "") + "--\(long)" }
    fileprivate var patterns: String { (short.map { "-\($0) | " } ?? "") + "--\(long)" }

    private enum Completed {
        case words([String])
        case files, directories, anything
    }

    private var completed: Completed {
        if case .choice(let words) = check { return .words(words) }
        switch value {
        case "FILE": return .files
        case "DIRECTORY": return .directories
        default: return .anything
        }
    }

    /// What bash does after this option; nil for one that takes no value.
    fileprivate var completion: String? {
        guard !isFlag else { return nil }
        switch completed {
        case .words(let words):
            return "COMPREPLY=($(compgen -W \(Shell.quoted(words.joined(separator: " "))) -- \"$current\"))"
        case .files: return "COMPREPLY=($(compgen -f -- \"$current\"))"
        case .directories: return "COMPREPLY=($(compgen -d -- \"$current\"))"
        case .anything: return ":"
        }
    }

    /// As zsh's `_arguments` reads it.
    fileprivate var zshSpecification: String {
        func plain(_ text: String) -> String {
            String(text.map { "[]:\\`".contains($0) ? " " : $0 })
        }
        let action =
            switch completed {
            case .words(let words): "(\(words.joined(separator: " ")))"
            case .files: "_files"
            case .directories: "_files -/"
            case .anything: ""
            }
        let argument = value.map { ":\(plain($0)):\(action)" } ?? ""
        return (repeats ? "*" : "") + "--\(long)[\(plain(summary))]\(argument)"
    }
}
