// An array of C strings for libpq, NULL-terminated, freed with this object.

internal import Glibc

final class CStrings {
    private let storage: UnsafeMutableBufferPointer<UnsafePointer<CChar>?>

    init(_ strings: [String?]) {
        storage = .allocate(capacity: strings.count + 1)
        for (index, text) in strings.enumerated() {
            storage.initializeElement(at: index, to: text.flatMap { strdup($0) }.map { UnsafePointer($0) })
        }
        storage.initializeElement(at: strings.count, to: nil)
    }

    deinit {
        for pointer in storage { free(UnsafeMutableRawPointer(mutating: pointer)) }
        storage.deallocate()
    }

    var pointers: UnsafePointer<UnsafePointer<CChar>?> { UnsafePointer(storage.baseAddress!) }
}
