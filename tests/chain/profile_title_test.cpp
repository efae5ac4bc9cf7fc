#include "chain/profile_title.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace profile_title_test {

using words = std::vector<std::string>;

// What Python's shlex.split() makes of them.
TEST(ProfileTitle, IsSplitAsAShellDoes) {
    EXPECT_EQ(split_words("profile dev"), (words{"profile", "dev"}));
    EXPECT_EQ(split_words(" profile\t dev "), (words{"profile", "dev"}));
    EXPECT_EQ(split_words("profile 'My Mac'"), (words{"profile", "My Mac"}));
    EXPECT_EQ(split_words("a 'b'\" c\"d"), (words{"a", "b cd"}));
    EXPECT_EQ(split_words("a ''"), (words{"a", ""}));
    EXPECT_EQ(split_words("a b\\ c"), (words{"a", "b c"}));
    EXPECT_EQ(split_words("\"a\\\"b\\\\c\\d\""), (words{"a\"b\\c\\d"}));
    EXPECT_EQ(split_words("'a\\b'"), (words{"a\\b"}));
    EXPECT_EQ(split_words(""), words{});
    for (const auto* broken : {"a 'b", "a \"b", "it's", "a\\"})
        EXPECT_EQ(split_words(broken), std::nullopt) << broken;
}

TEST(ProfileTitle, SaysWhoseThePropertiesAre) {
    struct row {
        std::string_view title;
        section_kind kind;
        std::string_view name;
        bool is_exact;
    };
    for (const row& r : {
             row{"default", section_kind::profile, "default", true},
             row{"profile dev", section_kind::profile, "dev", true},
             row{"profile  dev ", section_kind::profile, "dev", true},
             row{"profiles dev", section_kind::profile, "dev", true},
             row{" profile dev ", section_kind::profile, "dev", false},
             row{"profile dev] # [x", section_kind::profile, "dev", false},
             row{"profile a b", section_kind::ignored, "", true},
             row{"profile 'a", section_kind::ignored, "", true},
             row{"profile ''", section_kind::ignored, "", true},
             row{"dev", section_kind::ignored, "", true},
             row{"sso-session 'a b'", section_kind::sso_session, "a b", true},
             row{"services x", section_kind::services, "x", true},
             row{"DEFAULT", section_kind::defaults, "", true},
         }) {
        const auto t = read_section_title(r.title, file_kind::config);
        EXPECT_EQ(t.kind, r.kind) << r.title;
        EXPECT_EQ(t.name, r.name) << r.title;
        if (t.kind != section_kind::ignored) {
            EXPECT_EQ(t.is_exact, r.is_exact) << r.title;
        }
    }
    EXPECT_EQ(read_section_title("My Mac", file_kind::credentials).name, "My Mac");
    EXPECT_EQ(read_section_title("profile x", file_kind::credentials).name, "profile x");
    EXPECT_FALSE(read_section_title(" x ", file_kind::credentials).is_exact);
    EXPECT_EQ(read_section_title("  ", file_kind::credentials).kind, section_kind::ignored);
}

} // namespace profile_title_test
} // namespace countersign::chain
