#include "proxy/body/disk_threads.hpp"

namespace countersign::proxy::body {

boost::asio::thread_pool& disk_threads::pool() {
    std::call_once(once_, [this] { pool_ = std::make_unique<boost::asio::thread_pool>(count); });
    return *pool_;
}

} // namespace countersign::proxy::body
