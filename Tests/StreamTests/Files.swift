// Looking into a directory of the scenario.

import Foundation

func files(in directory: String) -> [String] {
    let all = FileManager.default.enumerator(atPath: directory)?.allObjects ?? []
    return all.compactMap { $0 as? String }.filter { path in
        var isDirectory: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: "\(directory)/\(path)", isDirectory: &isDirectory)
        return !isDirectory.boolValue
    }
}
