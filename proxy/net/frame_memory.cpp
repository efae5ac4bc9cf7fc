#include "proxy/net/frame_memory.hpp"

#include <array>
#include <new>

namespace countersign::proxy {

namespace {

constexpr std::size_t step = 64;
constexpr std::size_t classes = 32; // up to 2 KiB; larger frames come from the heap
constexpr unsigned most_kept = 128; // of each size

struct free_frame {
    free_frame* next;
};

struct free_list {
    free_frame* first = nullptr;
    unsigned count = 0;
};

struct free_lists {
    std::array<free_list, classes> by_size;

    ~free_lists() {
        for (free_list& list : by_size) {
            while (free_frame* const f = list.first) {
                list.first = f->next;
                ::operator delete(f);
            }
        }
    }
};

thread_local free_lists lists;

constexpr std::size_t class_of(std::size_t size) noexcept {
    return (size - 1) / step;
}

} // namespace

void* take_frame(std::size_t size) {
    const std::size_t c = class_of(size);
    if (c >= classes) {
        return ::operator new(size);
    }
    free_list& list = lists.by_size[c];
    if (free_frame* const f = list.first) {
        list.first = f->next;
        --list.count;
        return f;
    }
    return ::operator new((c + 1) * step);
}

void give_back_frame(void* frame, std::size_t size) noexcept {
    const std::size_t c = class_of(size);
    if (c >= classes || lists.by_size[c].count == most_kept) {
        ::operator delete(frame);
        return;
    }
    free_list& list = lists.by_size[c];
    list.first = new (frame) free_frame{list.first};
    ++list.count;
}

} // namespace countersign::proxy
