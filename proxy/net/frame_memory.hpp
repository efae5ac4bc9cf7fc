// Memory for coroutine frames: a request needs the same dozen of frames as the one before it, so each thread keeps
// some that were freed, by size. Frames are freed on the thread that made them.
#pragma once

#include <cstddef>

namespace countersign::proxy {

// Throws std::bad_alloc. REQUIRES: size > 0.
void* take_frame(std::size_t size);
// REQUIRES: `frame` came from take_frame with this size, on this thread.
void give_back_frame(void* frame, std::size_t size) noexcept;

} // namespace countersign::proxy
