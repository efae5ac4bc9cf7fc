// Notices that a file which credentials come from has changed: the shared config and credentials files, tokens,
// the key file of the command line. By a look at each now and then (inotify knows nothing of network folders, nor
// of the links that Kubernetes swaps). It must never report a file that is being written: one look later it must
// still be the same. Not thread-safe; control thread only.
#pragma once

#include "chain/settings.hpp"
#include "chain/world.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace countersign::chain {

class file_watch {
public:
    explicit file_watch(chain_settings settings);

    // A load begins: which files count now, and how they look.
    void take(const world& outside);
    // A look, every few seconds. True when a file differs from what was taken and has been left alone since the last
    // look.
    bool changed(const world& outside);

private:
    using marks = std::vector<std::optional<file_mark>>;
    marks look(const world& outside) const;

    chain_settings settings_;
    std::vector<std::filesystem::path> files_;
    marks taken_, seen_;
};

} // namespace countersign::chain
