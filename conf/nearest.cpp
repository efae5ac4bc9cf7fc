#include "conf/nearest.hpp"

#include <algorithm>
#include <vector>

namespace countersign::conf {
namespace {

std::string folded(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

} // namespace

std::size_t edit_distance(std::string_view from, std::string_view to) {
    const std::size_t width = to.size() + 1;
    std::vector<std::size_t> cost((from.size() + 1) * width);
    const auto at = [&](std::size_t row, std::size_t column) -> std::size_t& { return cost[row * width + column]; };
    for (std::size_t row = 0; row <= from.size(); ++row) {
        at(row, 0) = row;
    }
    for (std::size_t column = 0; column < width; ++column) {
        at(0, column) = column;
    }
    for (std::size_t row = 1; row <= from.size(); ++row) {
        for (std::size_t column = 1; column < width; ++column) {
            const std::size_t differs = from[row - 1] == to[column - 1] ? 0 : 1;
            std::size_t best =
                std::min({at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + differs});
            if (row > 1 && column > 1 && from[row - 1] == to[column - 2] && from[row - 2] == to[column - 1]) {
                best = std::min(best, at(row - 2, column - 2) + 1);
            }
            at(row, column) = best;
        }
    }
    return cost.back();
}

std::string_view nearest(std::string_view written, std::span<const std::string> names) {
    // Longer texts than any key cannot be a slip of the keyboard, and the table above is quadratic.
    if (written.size() > 64) {
        return {};
    }
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(1, written.size() / 3) + 1;
    const bool has_table = written.find('.') != std::string_view::npos;
    for (const std::string& name : names) {
        const std::string_view compared = has_table ? name : std::string_view(name).substr(name.rfind('.') + 1);
        const std::size_t distance = edit_distance(folded(written), folded(compared));
        if (distance < best_distance) {
            best = name;
            best_distance = distance;
        }
    }
    return best;
}

} // namespace countersign::conf
