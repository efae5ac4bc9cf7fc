#include "proxy/body/store.hpp"

#include <algorithm>
#include <unistd.h>
#include <utility>

namespace countersign::proxy::body {

namespace {

constexpr std::uint64_t first_capacity = 16 * 1024; // more only as bytes arrive

// To free a large file takes the system a while.
void close_later(disk_threads& disks, int descriptor) noexcept {
    try {
        boost::asio::post(disks.pool(), [descriptor] { ::close(descriptor); });
    } catch (...) { // no memory for it
        ::close(descriptor);
    }
}

} // namespace

store::store(storage where, std::optional<std::uint64_t> length) noexcept : where_(std::move(where)), length_(length) {}

store::~store() {
    if (file_.is_open()) {
        close_later(where_.disks, file_.release());
    }
}

std::uint64_t store::next_capacity() const noexcept {
    const std::uint64_t most = length_ ? std::min(*length_, where_.memory) : where_.memory;
    return std::min(most, std::max<std::uint64_t>(first_capacity, 2 * memory_.capacity()));
}

task<io_error> store::room(std::span<char>& out) {
    if (!is_spilled_) {
        const bool is_known_to_spill = length_ && *length_ > where_.memory;
        bool has_room = memory_.free_size() != 0;
        if (!has_room && !is_known_to_spill && next_capacity() > memory_.capacity()) {
            has_room = memory_.reserve(static_cast<std::size_t>(next_capacity()), where_.all);
        }
        if (has_room) {
            out = {memory_.free_space(), memory_.free_size()};
            co_return io_error::none;
        }
        const io_error e = co_await begin_file();
        if (e != io_error::none) {
            co_return e;
        }
    } else if (filled_ == block_.size()) {
        const io_error e = co_await write_block();
        if (e != io_error::none) {
            co_return e;
        }
    }
    out = {block_.begin() + filled_, block_.size() - filled_};
    co_return io_error::none;
}

void store::added(std::size_t bytes) noexcept {
    size_ += bytes;
    if (is_spilled_) {
        filled_ += bytes;
    } else {
        memory_.added(bytes);
    }
}

task<io_error> store::finish() {
    if (!is_spilled_) {
        co_return io_error::none;
    }
    const io_error e = co_await write_block();
    hash_ = running_.finish();
    co_return e;
}

// What is in memory so far is its beginning.
task<io_error> store::begin_file() {
    if (where_.file <= size_) {
        co_return io_error::too_large;
    }
    block_ = where_.blocks.take();
    is_spilled_ = true;
    io_error e = io_error::none;
    const auto write = [this, &e] {
        e = file_.open(where_.directory);
        if (e == io_error::none) {
            running_.update(memory_.view());
            e = file_.append(memory_.view());
        }
    };
    on_disk written{where_.disks, where_.home, write};
    co_await written;
    where_.time.refresh();
    memory_.release();
    co_return e;
}

task<io_error> store::write_block() {
    if (size_ > where_.file) {
        co_return io_error::too_large;
    }
    io_error e = io_error::none;
    const auto write = [this, &e] {
        const std::string_view bytes{block_.begin(), filled_};
        running_.update(bytes);
        e = file_.append(bytes);
    };
    on_disk written{where_.disks, where_.home, write};
    co_await written;
    where_.time.refresh();
    filled_ = 0;
    co_return e;
}

piece file_source::next() noexcept {
    const bool is_last = read_ == from_.size();
    const std::string_view bytes{from_.block_.begin() + begin_, end_ - begin_};
    return {{}, bytes, {}, bytes.size(), is_last ? body_relay::state::complete : body_relay::state::more};
}

task<io_error> file_source::wait() {
    const std::uint64_t left = from_.size() - read_;
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left, from_.block_.size()));
    io_error e = io_error::none;
    const auto read = [this, n, &e] { e = from_.file_.read(read_, {from_.block_.begin(), n}); };
    on_disk done{from_.where_.disks, from_.where_.home, read};
    co_await done;
    from_.where_.time.refresh();
    begin_ = 0;
    end_ = n;
    read_ += n;
    co_return e;
}

} // namespace countersign::proxy::body
