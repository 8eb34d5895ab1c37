// libyaml's parser, the only place that touches it: bytes in, one event after another out, C memory freed with it.
// It must never let a pointer of libyaml's out, and it refuses what a configuration has no use for: tags and anchors.

internal import CYAML

enum YAMLEvent {
    case streamStart, streamEnd, documentStart, documentEnd
    case scalar(YAMLScalar, isNothing: Bool)
    case listStart, listEnd, mappingStart, mappingEnd
}

struct YAMLEvents: ~Copyable {
    private let source: SourceText
    /// libyaml keeps a pointer to its parser and one to its input, so both stay where they are.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ source: SourceText) throws(ConfigurationError) {
        let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            throw source.error("there is not enough memory to read this", at: nil)
        }
        self.source = source
        self.parser = parser
        input = .allocate(capacity: source.bytes.count)
        _ = input.initialize(from: source.bytes)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, input.baseAddress, input.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    mutating func next() throws(ConfigurationError) -> (event: YAMLEvent, place: Place) {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw YAMLProblem(parser.pointee).error(in: source) }
        defer { yaml_event_delete(&event) }
        let place = Place(event.start_mark)
        return (try translated(event, at: place), place)
    }

    private func translated(_ event: yaml_event_t, at place: Place) throws(ConfigurationError) -> YAMLEvent {
        switch event.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_SEQUENCE_END_EVENT: return .listEnd
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        case YAML_ALIAS_EVENT: throw YAMLProblem.alias(at: place, in: source)
        case YAML_SEQUENCE_START_EVENT:
            let start = event.data.sequence_start
            try refuse(anchor: start.anchor, tag: start.tag, at: place)
            return .listStart
        case YAML_MAPPING_START_EVENT:
            let start = event.data.mapping_start
            try refuse(anchor: start.anchor, tag: start.tag, at: place)
            return .mappingStart
        case YAML_SCALAR_EVENT:
            return try scalar(event, at: place)
        default:
            throw source.error("this is not understood", at: place)
        }
    }

    private func scalar(_ event: yaml_event_t, at place: Place) throws(ConfigurationError) -> YAMLEvent {
        let scalar = event.data.scalar
        try refuse(anchor: scalar.anchor, tag: scalar.tag, at: place)
        let text = String(decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        guard !text.utf8.contains(0) else { throw source.error("a value holds a NUL character", at: place) }
        let isPlain = scalar.style == YAML_PLAIN_SCALAR_STYLE
        let isOneLine = event.start_mark.line == event.end_mark.line
        return .scalar(
            YAMLScalar(text: text, isVerbatim: isPlain && isOneLine),
            isNothing: isPlain && ["", "~", "null", "Null", "NULL"].contains(text))
    }

    private func refuse(
        anchor: UnsafeMutablePointer<yaml_char_t>?, tag: UnsafeMutablePointer<yaml_char_t>?, at place: Place
    ) throws(ConfigurationError) {
        if anchor != nil {
            throw source.error(
                "an anchor (`&name`) is not accepted here", at: place,
                hint: "write the value out where it is needed; a value that begins with `&` stands in quotes")
        }
        if tag != nil {
            throw source.error(
                "a tag (`!name`) is not accepted here", at: place, hint: "a value that begins with `!` stands in quotes"
            )
        }
    }
}

extension Place {
    init(_ mark: yaml_mark_t) { self.init(line: Int(mark.line) + 1, column: Int(mark.column) + 1) }
}
