// The rendering of metrics.hpp: copies of the workers' counters in, Prometheus text out.
#include "proxy/observe/metrics.hpp"

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <cstdio>
#include <dirent.h>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <sys/resource.h>
#include <unistd.h>

namespace countersign::proxy {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::array<const char*, static_cast<std::size_t>(retry_reason::count_)> reasons{
    "throttled", "transient", "timeout", "expired_token", "wrong_region", "clock_skew"};

ClientMetric labelled(std::initializer_list<ClientMetric::Label> labels) {
    ClientMetric metric;
    metric.label = labels;
    return metric;
}

void add(MetricFamily& to, std::initializer_list<ClientMetric::Label> labels, double value) {
    ClientMetric metric = labelled(labels);
    (to.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
    to.metric.push_back(std::move(metric));
}

double real(std::uint64_t n) {
    return static_cast<double>(n);
}

// Each worker finds it out by itself.
std::optional<std::chrono::seconds>
further(std::optional<std::chrono::seconds> a, std::optional<std::chrono::seconds> b) {
    return !a || (b && std::chrono::abs(*b) > std::chrono::abs(*a)) ? b : a;
}

// All workers' counters as one. Each worker has bounded its scopes. Bounding the union again would move a
// scope to "other" between two scrapes, and a counter must not go back.
worker_metrics merged(std::span<const worker_metrics> workers) {
    worker_metrics sum;
    for (const worker_metrics& w : workers) {
        for (const auto& [name, from] : w.scopes) {
            scope_counters& to = sum.scopes[name];
            for (std::size_t i = 0; i < from.requests_by_code.size(); ++i) {
                to.requests_by_code[i] += from.requests_by_code[i];
            }
            for (std::size_t i = 0; i < from.retries.size(); ++i) {
                to.retries[i] += from.retries[i];
            }
            to.first_attempts += from.first_attempts;
            to.clock_offset = further(to.clock_offset, from.clock_offset);
            to.throttled += from.throttled;
        }
        sum.request_seconds.merge(w.request_seconds);
        sum.upstream_seconds.merge(w.upstream_seconds);
        sum.client_connections_total += w.client_connections_total;
        sum.upstream_connections_total += w.upstream_connections_total;
        sum.client_connections += w.client_connections;
        sum.upstream_connections += w.upstream_connections;
        sum.refusals_total += w.refusals_total;
        sum.request_bytes += w.request_bytes;
        sum.response_bytes += w.response_bytes;
    }
    return sum;
}

MetricFamily requests(const worker_metrics& m) {
    MetricFamily family{
        "countersign_requests_total", "Requests answered; code 0: no answer could be sent.", MetricType::Counter, {}};
    for (const auto& [name, counters] : m.scopes) {
        for (std::size_t code = 0; code < counters.requests_by_code.size(); ++code) {
            if (const std::uint64_t n = counters.requests_by_code[code]) {
                add(family, {{"service", name.first}, {"region", name.second}, {"code", std::to_string(code)}}, real(n)
                );
            }
        }
    }
    return family;
}

MetricFamily attempts(const worker_metrics& m) {
    struct by_reason {
        std::uint64_t first = 0;
        std::array<std::uint64_t, reasons.size()> retries{};
    };
    std::map<std::string_view, by_reason> services; // the regions of one service together
    for (const auto& [name, counters] : m.scopes) {
        by_reason& sum = services[name.first];
        sum.first += counters.first_attempts;
        for (std::size_t i = 0; i < reasons.size(); ++i) {
            sum.retries[i] += counters.retries[i];
        }
    }
    MetricFamily family{
        "countersign_attempts_total",
        "Attempts sent upstream; reason: why, beyond the first.",
        MetricType::Counter,
        {}};
    for (const auto& [service, sum] : services) {
        add(family, {{"service", std::string(service)}, {"reason", "first"}}, real(sum.first));
        for (std::size_t i = 0; i < reasons.size(); ++i) {
            add(family, {{"service", std::string(service)}, {"reason", reasons[i]}}, real(sum.retries[i]));
        }
    }
    return family;
}

MetricFamily throttled(const worker_metrics& m) {
    MetricFamily family{"countersign_throttled_total", "Attempts that a service throttled.", MetricType::Counter, {}};
    for (const auto& [name, counters] : m.scopes) {
        if (counters.first_attempts != 0 || counters.throttled != 0) {
            add(family, {{"service", name.first}, {"region", name.second}}, real(counters.throttled));
        }
    }
    return family;
}

MetricFamily distribution(const char* name, const char* about, const histogram& h) {
    ClientMetric metric;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < histogram::bounds.size(); ++i) {
        metric.histogram.bucket.push_back({below += h.buckets[i], histogram::bounds[i]});
    }
    metric.histogram.sample_count = h.count; // the serializer makes the +Inf bucket of it
    metric.histogram.sample_sum = h.sum;
    return {name, about, MetricType::Histogram, {metric}};
}

// A family of two values that differ in one label.
MetricFamily two_sided(
    const char* name,
    const char* about,
    MetricType type,
    const char* label,
    std::pair<const char*, std::uint64_t> a,
    std::pair<const char*, std::uint64_t> b
) {
    MetricFamily family{name, about, type, {}};
    add(family, {{label, a.first}}, real(a.second));
    add(family, {{label, b.first}}, real(b.second));
    return family;
}

MetricFamily single(const char* name, const char* about, MetricType type, double value) {
    MetricFamily family{name, about, type, {}};
    add(family, {}, value);
    return family;
}

MetricFamily expiries(std::span<const credential_gauge> credentials) {
    MetricFamily family{
        "countersign_credentials_expiry_seconds", "Seconds until the credentials expire.", MetricType::Gauge, {}};
    for (const credential_gauge& c : credentials) {
        add(family, {{"identity", c.identity}, {"provider", c.provider}}, c.expiry_seconds);
    }
    return family;
}

MetricFamily clock_offsets(const worker_metrics& m) {
    MetricFamily family{
        "countersign_clock_offset_seconds",
        "How far the service's clock is ahead of ours, where it was found to be wrong.",
        MetricType::Gauge,
        {}};
    for (const auto& [name, counters] : m.scopes) {
        if (counters.clock_offset) {
            const auto ahead = static_cast<double>(counters.clock_offset->count());
            add(family, {{"service", name.first}, {"region", name.second}}, ahead);
        }
    }
    return family;
}

double resident_bytes() {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen("/proc/self/statm", "re"), &std::fclose);
    unsigned long pages = 0;
    if (!file || std::fscanf(file.get(), "%*u %lu", &pages) != 1) {
        return 0;
    }
    return static_cast<double>(pages) * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
    double count = 0;
    while (folder && ::readdir(folder.get())) {
        ++count;
    }
    return std::max(0.0, count - 3); // ".", ".." and the one we read with
}

double cpu_seconds() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

} // namespace

std::string render_metrics(std::span<const worker_metrics> workers, std::span<const credential_gauge> credentials) {
    const worker_metrics m = merged(workers);
    MetricFamily build{"countersign_build_info", "Always 1; the version is in the label.", MetricType::Gauge, {}};
    add(build, {{"version", COUNTERSIGN_VERSION}}, 1);
    const std::vector<MetricFamily> families{
        requests(m),
        attempts(m),
        throttled(m),
        distribution(
            "countersign_request_seconds", "From a request's first byte to the end of its answer.", m.request_seconds
        ),
        distribution(
            "countersign_upstream_seconds", "From an attempt sent to the end of the answer's head.", m.upstream_seconds
        ),
        expiries(credentials),
        clock_offsets(m),
        two_sided(
            "countersign_connections",
            "Connections open now.",
            MetricType::Gauge,
            "side",
            {"client", m.client_connections},
            {"upstream", m.upstream_connections}
        ),
        two_sided(
            "countersign_connections_opened_total",
            "Connections opened.",
            MetricType::Counter,
            "side",
            {"client", m.client_connections_total},
            {"upstream", m.upstream_connections_total}
        ),
        single(
            "countersign_refusals_total",
            "Requests that the proxy refused itself.",
            MetricType::Counter,
            real(m.refusals_total)
        ),
        two_sided(
            "countersign_bytes_total",
            "Bytes of bodies.",
            MetricType::Counter,
            "direction",
            {"request", m.request_bytes},
            {"response", m.response_bytes}
        ),
        build,
        single("process_resident_memory_bytes", "Resident memory.", MetricType::Gauge, resident_bytes()),
        single("process_open_fds", "Open file descriptors.", MetricType::Gauge, open_descriptors()),
        single("process_cpu_seconds_total", "User and system CPU time.", MetricType::Counter, cpu_seconds()),
    };
    std::ostringstream out;
    prometheus::TextSerializer{}.Serialize(out, families);
    return std::move(out).str();
}

std::string describe_services(std::span<const worker_metrics> workers) {
    std::string text;
    for (const auto& [name, counters] : merged(workers).scopes) {
        const auto& [service, region] = name;
        if (counters.throttled != 0) {
            text += fmt::format(
                "service {} in {}: {} attempts throttled; where that goes on, ask Service Quotas for more\n",
                service,
                region,
                counters.throttled
            );
        }
        const std::chrono::seconds ahead = counters.clock_offset.value_or(std::chrono::seconds{0});
        if (ahead.count() != 0) {
            text += fmt::format(
                "service {} in {}: its clock is {} s {} this machine's; check NTP\n",
                service,
                region,
                std::chrono::abs(ahead).count(),
                ahead.count() > 0 ? "ahead of" : "behind"
            );
        }
    }
    return text;
}

} // namespace countersign::proxy
