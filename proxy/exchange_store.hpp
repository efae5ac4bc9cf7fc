// The memory of exchanges that are not under way, kept for the next ones. One worker's thread.
#pragma once

#include "proxy/stages.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace countersign::proxy {

class exchange_store {
public:
    struct give_back {
        exchange_store* to;
        void operator()(exchange_memory* m) const noexcept { to->take_back(m); }
    };
    using lent = std::unique_ptr<exchange_memory, give_back>;
    lent take();

private:
    static constexpr std::size_t kept = 64;
    void take_back(exchange_memory* m) noexcept;
    std::vector<std::unique_ptr<exchange_memory>> idle_;
};

} // namespace countersign::proxy
