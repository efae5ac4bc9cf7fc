#include "proxy/exchange_store.hpp"

#include <utility>

namespace countersign::proxy {

exchange_store::lent exchange_store::take() {
    if (idle_.empty()) {
        idle_.reserve(kept); // giving back allocates nothing
        return {new exchange_memory, {this}};
    }
    exchange_memory* const m = idle_.back().release();
    idle_.pop_back();
    return {m, {this}};
}

void exchange_store::take_back(exchange_memory* m) noexcept {
    std::unique_ptr<exchange_memory> back{m};
    back->reset();
    if (idle_.size() < kept) {
        idle_.push_back(std::move(back));
    }
}

} // namespace countersign::proxy
