// Refreshers as the proxy runs them: many on one control thread, their snapshots read by other threads. Says most
// under ThreadSanitizer; without it, that no reader meets a snapshot made of two.
#include "chain/refresh.hpp"
#include "tests/support/fake_world.hpp"

#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace countersign::chain {
namespace refresh_threads_test {

using namespace std::chrono_literals;

constexpr std::size_t identities = 16;
constexpr std::size_t readers = 3;

// As a worker: a thread with an io_context of its own, to which snapshots are posted.
struct reader {
    void take(std::size_t identity, const snapshot& s) {
        boost::asio::post(on, [this, identity, s] { known[identity] = s; });
    }
    void read_all() {
        on.restart();
        on.poll();
        for (const snapshot& s : known)
            if (s.current && s.current->secret_access_key.reveal() != "secret/" + s.current->access_key_id)
                ++mismatches;
        ++rounds;
    }

    boost::asio::io_context on{1};
    std::vector<snapshot> known{identities};
    std::atomic<unsigned> rounds{0}; // the control thread waits for it
    unsigned mismatches = 0;
};

// One thread owns the world, the refreshers, and the last snapshot of each.
struct control_side {
    explicit control_side(std::vector<std::unique_ptr<reader>>& to) {
        outside.variables = {
            {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/keys"}, {"AWS_EC2_METADATA_DISABLED", "true"}};
        outside.respond = [this](const http_ask&) -> http_result {
            if (++asked % 8 >= 4)
                return http_fault{http_stage::connect, "connection refused"};
            const auto id = "AKID" + std::to_string(asked);
            auto text = tests::credential_json(id, outside.time + 5s);
            text.replace(text.find("wJalrXUtnFEMI"), 13, "secret/" + id);
            return tests::reply(200, text);
        };
        for (std::size_t i = 0; i < identities; ++i)
            all.push_back(std::make_unique<refresher>(on, outside, chain_settings{}, [this, i, &to](const snapshot& s) {
                last[i] = s;
                for (const auto& r : to)
                    r->take(i, s);
            }));
    }

    boost::asio::io_context on{1};
    tests::fake_world outside{on};
    unsigned asked = 0;
    std::vector<snapshot> last{identities};
    std::vector<std::unique_ptr<refresher>> all;
};

TEST(Refreshers, ShareAThreadWhileOthersReadTheirSnapshots) {
    std::vector<std::unique_ptr<reader>> all_readers;
    for (std::size_t i = 0; i < readers; ++i)
        all_readers.push_back(std::make_unique<reader>());
    auto control = std::make_unique<control_side>(all_readers);
    std::atomic<bool> enough{false};
    std::vector<std::thread> threads;
    for (const auto& r : all_readers)
        threads.emplace_back([&enough, &r = *r, control = control.get()] {
            while (!enough) {
                r.read_all();
                // As a request that meets expired credentials: asks from its own thread.
                if (r.rounds % 64 == 0)
                    boost::asio::post(control->on, [control, i = r.rounds / 64 % identities] {
                        control->all[i]->load_now();
                    });
                std::this_thread::yield();
            }
        });
    for (const auto& one : control->all)
        one->start();
    for (int step = 0; step < 200; ++step) {
        const unsigned before = all_readers[static_cast<std::size_t>(step) % readers]->rounds;
        control->outside.advance(100ms);
        while (all_readers[static_cast<std::size_t>(step) % readers]->rounds == before)
            std::this_thread::yield();
    }
    enough = true;
    for (auto& t : threads)
        t.join();
    for (const auto& one : control->all)
        one->stop();
    control->outside.settle();
    const auto last = control->last;
    control.reset(); // the snapshots outlive their refreshers
    for (const auto& r : all_readers) {
        r->read_all();
        EXPECT_EQ(r->mismatches, 0u);
        for (std::size_t i = 0; i < identities; ++i) {
            ASSERT_TRUE(r->known[i].current);
            EXPECT_EQ(r->known[i].current, last[i].current) << i;
        }
    }
    EXPECT_NE(last[0].current, last[1].current);
}

} // namespace refresh_threads_test
} // namespace countersign::chain
