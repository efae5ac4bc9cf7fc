#include "chain/ini.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace {

// One property of the only section, "(none)" where there is no such.
std::string value_of(std::string_view text, std::string_view name) {
    const auto sections = parse_ini(text, "f");
    if (!sections || sections->size() != 1)
        return sections ? "(sections)" : sections.error().detail;
    for (const auto& p : sections->front().properties)
        if (p.name == name)
            return std::string(p.value.reveal());
    return "(none)";
}

TEST(Ini, ReadsValues) {
    struct row {
        std::string_view line, value;
    };
    for (const row& r : {
             row{"a=b", "b"},
             row{"a = b", "b"},
             row{"a\t=\tb \t", "b"},
             row{"A = Case Kept", "Case Kept"},
             row{"a = x=y=z", "x=y=z"},
             row{"a =", ""},
             row{"a = b # c", "b"},
             row{"a = b ; c", "b"},
             row{"a = b\t# c", "b"},
             row{"a = b#c", "b#c"},
             row{"a = b;c", "b;c"},
             row{"a = #c", ""},
             row{"a = b\r", "b"},
         })
        EXPECT_EQ(value_of("[s]\n" + std::string(r.line) + "\n", "a"), r.value) << r.line;
}

TEST(Ini, SkipsCommentsAndBlankLines) {
    EXPECT_EQ(value_of("# x\n; y\n\n \t\n[s] # z\n#a=1\n;a=2\na=3", "a"), "3");
    EXPECT_EQ(value_of("[s];z\na=3", "a"), "3");
}

TEST(Ini, JoinsContinuationLines) {
    EXPECT_EQ(value_of("[s]\na = b\n  c # kept\n\td\n", "a"), "b\nc # kept\nd");
}

TEST(Ini, ReadsNestedProperties) {
    const auto sections = parse_ini("[s]\ns3 =\n  Max = 1\n\n  b = x = y # kept\nc = d\n", "f");
    ASSERT_TRUE(sections);
    const auto& s3 = sections->front().properties.at(0);
    ASSERT_EQ(s3.nested.size(), 2u);
    EXPECT_EQ(s3.nested[0].name, "max");
    EXPECT_EQ(s3.nested[1].value.reveal(), "x = y # kept");
    EXPECT_EQ(sections->front().properties.at(1).name, "c");
}

TEST(Ini, KeepsSectionsInOrderAndTrimsTitles) {
    const auto sections = parse_ini("[ profile a ]\r\n[b]\n[b]\nx=1", "f");
    ASSERT_TRUE(sections);
    ASSERT_EQ(sections->size(), 3u);
    EXPECT_EQ((*sections)[0].title, "profile a");
    EXPECT_EQ((*sections)[2].line, 3u);
    EXPECT_EQ((*sections)[2].properties.at(0).line, 4u);
}

TEST(Ini, NamesFileAndLineOfAnError) {
    struct row {
        std::string_view text, start;
    };
    for (const row& r : {
             row{"[s\n", "f:1: "},
             row{"[s] x\n", "f:1: "},
             row{"a = b\n", "f:1: "},
             row{"[s]\n\n= b\n", "f:3: "},
             row{"[s]\nnonsense\n", "f:2: "},
             row{"[s]\n  a = b\n", "f:2: "},
             row{"  a = b\n", "f:1: "},
             row{"[s]\ns3 =\n  nonsense\n", "f:3: "},
             row{"[s]\ns3 =\n  = x\n", "f:3: "},
         }) {
        const auto sections = parse_ini(r.text, "f");
        ASSERT_FALSE(sections) << r.text;
        EXPECT_TRUE(sections.error().detail.starts_with(r.start)) << sections.error().detail;
    }
}

TEST(Ini, NeverQuotesALineInAnError) {
    const auto sections = parse_ini("[s]\nwJalrXUtnFEMI\n", "f");
    ASSERT_FALSE(sections);
    EXPECT_EQ(sections.error().detail.find("wJalr"), std::string::npos);
}

TEST(Ini, ReadsAnEmptyFile) {
    EXPECT_TRUE(parse_ini("", "f")->empty());
    EXPECT_TRUE(parse_ini("\n\n", "f")->empty());
}

TEST(IniName, IsOfTheAllowedCharacters) {
    for (const std::string_view good : {"a", "A9_-/.%@:+"})
        EXPECT_TRUE(is_ini_name(good)) << good;
    for (const std::string_view bad : {"", "a b", "a*", "ä", "a\n"})
        EXPECT_FALSE(is_ini_name(bad)) << bad;
}

} // namespace
} // namespace countersign::chain
