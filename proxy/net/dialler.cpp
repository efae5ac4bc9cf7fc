#include "proxy/net/dialler.hpp"

#include "chain/connector.hpp"

#include <utility>

namespace countersign::proxy {

namespace {

class system_dialling final : public dialling {
public:
    system_dialling(boost::asio::io_context& context, std::vector<tcp::endpoint> addresses)
        : connector_(std::make_shared<chain::connector>(context, std::move(addresses))) {}

    void begin(std::function<void(dialled)> receive) override {
        connector_->begin([receive = std::move(receive)](const chain::connected& c) {
            receive({c.descriptor, c.which, c.error});
        });
    }
    void give_up() override { connector_->give_up(); }

private:
    std::shared_ptr<chain::connector> connector_;
};

} // namespace

std::shared_ptr<dialling> system_dialler::dial(std::vector<tcp::endpoint> addresses) {
    return std::make_shared<system_dialling>(context_, std::move(addresses));
}

} // namespace countersign::proxy
