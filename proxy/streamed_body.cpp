#include "proxy/streamed_body.hpp"

namespace countersign::proxy {

body::piece streamed_body::next() noexcept {
    if (is_wrong_) {
        return {{}, {}, {}, 0, body_relay::state::broken};
    }
    const std::string_view bytes{block_.begin() + begin_, end_ - begin_};
    return {{}, bytes, {}, bytes.size(), from_.is_complete() ? body_relay::state::complete : body_relay::state::more};
}

task<io_error> streamed_body::wait() {
    if (!block_) {
        block_ = blocks_.take();
    }
    if (begin_ == end_) { // else a wait that was interrupted goes on
        begin_ = end_ = 0;
    }
    std::size_t got = 0;
    const std::span<char> room{block_.begin() + end_, block_.size() - end_};
    const io_error e = co_await from_.fill(room, got, is_whole_);
    if (!hash_.empty()) {
        running_.update({block_.begin() + end_, got});
    }
    end_ += got;
    client_.await_upstream();
    if (e == io_error::none) {
        is_wrong_ = from_.is_complete() && !is_as_said();
    } else if (e != io_error::interrupted && !is_fault_of_body(e)) {
        client_.leave();
    }
    co_return e;
}

bool streamed_body::is_as_said() noexcept {
    if (hash_.empty()) {
        return true;
    }
    std::array<char, 64> text;
    signer::write_hex(running_.finish(), text.data());
    return equal_ignoring_case(hash_, {text.data(), text.size()});
}

} // namespace countersign::proxy
