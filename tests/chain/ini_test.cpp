#include "chain/ini.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace ini_test {

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
             row{"a: b", "b"},
             row{"a : b=c", "b=c"},
             row{"a = b:c", "b:c"},
             row{"a = %(b)s", "%(b)s"},
             row{"a = 'b # c' # d", "'b # c'"},
             row{"a = \"b ; c\" d", "\"b ; c\" d"},
             row{"a = b's # c", "b's"},
             row{"\xc2\xa0 a\xc2\xa0=\xe3\x80\x80"
                 "b\xc2\xa0",
                 "b"},
             row{"    a = b", "b"},
         })
        EXPECT_EQ(value_of("[s]\n" + std::string(r.line) + "\n", "a"), r.value) << r.line;
}

TEST(Ini, SkipsCommentsAndBlankLines) {
    EXPECT_EQ(value_of("# x\n; y\n\n \t\n[s] # z\n#a=1\n;a=2\na=3", "a"), "3");
    EXPECT_EQ(value_of("[s];z\na=3", "a"), "3");
}

TEST(Ini, SkipsCommentsAtAnyDepth) {
    EXPECT_EQ(value_of("[s]\na = b\n    # x\n  c\n\t; y\n", "a"), "b\nc");
    const auto sections = parse_ini("[s]\ns3 =\n  # x\n  max = 1\n    ; y\n  b = 2\n", "f");
    ASSERT_TRUE(sections);
    EXPECT_EQ(sections->front().properties.at(0).nested.size(), 2u);
    EXPECT_EQ(sections->front().fault.what, "");
}

TEST(Ini, TakesWhateverStandsBehindATitle) {
    for (const std::string tail : {"", " # x", "#x", ";x", " x", " [y", " = z", "\t"})
        EXPECT_EQ(value_of("[s]" + tail + "\na = b\n", "a"), "b") << tail;
    EXPECT_TRUE(parse_ini("[s] x", "f")->front().has_tail);
    EXPECT_FALSE(parse_ini("[s] # x", "f")->front().has_tail);
}

TEST(Ini, EndsLinesAsPythonDoes) {
    EXPECT_EQ(value_of("[s]\ra = b\r\nc = d\r", "c"), "d");
    EXPECT_EQ(value_of("[s]\n\f\na = b\n\v\n", "a"), "b");
}

TEST(Ini, ContinuesAValueByDeeperLinesOnly) {
    EXPECT_EQ(value_of("  [s]\n  a = b\n  c = d\n", "c"), "d");
    EXPECT_EQ(value_of("[s]\n    a = b\n  c = d\n   e\n", "c"), "d\ne");
    EXPECT_EQ(value_of("[s]\na = b\n  [t]\nc = d\n", "a"), "b\n[t]");
    EXPECT_EQ(value_of("[s]\na = b\n\n\n c\n\nd = e\n", "a"), "b\n\n\nc");
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

TEST(Ini, WantsNoBlockBelowAValueThatIsAComment) {
    const auto commented = parse_ini("[s]\ns3 = # c\n  max = 1\n  max: 2\n", "f");
    ASSERT_TRUE(commented);
    EXPECT_EQ(commented->front().fault.what, "");
    EXPECT_EQ(commented->front().properties.at(0).nested.size(), 1u);
    EXPECT_NE(parse_ini("[s]\ns3 =\n  max: 2\n", "f")->front().fault.what, "");
}

TEST(Ini, NotesWhatOnlySeemsATitle) {
    EXPECT_EQ(parse_ini("[s]\na = b\n  [t]\n [u]\n", "f")->front().seeming_title, 3u);
    EXPECT_EQ(parse_ini("[s]\n[t # a = b\nc = d\n", "f")->front().seeming_title, 2u);
    EXPECT_EQ(value_of("[s]\n[t # a = b\nc = d\n", "c"), "d");
    EXPECT_EQ(parse_ini("[s]\na = b\n[t]\n", "f")->front().seeming_title, 0u);
}

TEST(Ini, KeepsSectionsInOrderAndTitlesAsTheyStand) {
    const auto sections = parse_ini("[ profile a ]\r\n[b]\n[b]\nx=1\n[c] # [d]\n", "f");
    ASSERT_TRUE(sections);
    ASSERT_EQ(sections->size(), 4u);
    EXPECT_EQ((*sections)[0].title, " profile a ");
    EXPECT_EQ((*sections)[2].line, 3u);
    EXPECT_EQ((*sections)[2].properties.at(0).line, 4u);
    EXPECT_EQ((*sections)[3].title, "c] # [d");
}

TEST(Ini, KeepsAFaultInItsSection) {
    struct row {
        std::string_view text, of;
        unsigned line;
    };
    for (const row& r : {
             row{"[s]\n\n= b\n[t]\nc = d\n", "s", 3},
             row{"[s]\nnonsense\n[t]\nc = d\n", "s", 2},
             row{"[s]\ns3 =\n  nonsense\n[t]\nc = d\n", "s", 3},
             row{"a = b\n[t]\nc = d\n", "", 1},
             row{"[s\na = b\n[t]\nc = d\n", "s", 1},
             row{"[]\n[t]\nc = d\n", "", 1},
         }) {
        const auto sections = parse_ini(r.text, "f");
        ASSERT_TRUE(sections) << r.text;
        ASSERT_EQ(sections->size(), 2u) << r.text;
        EXPECT_EQ(sections->front().title, r.of) << r.text;
        EXPECT_EQ(sections->front().fault.line, r.line) << r.text;
        EXPECT_NE(sections->front().fault.what, "") << r.text;
        EXPECT_EQ(sections->back().fault.what, "") << r.text;
        EXPECT_EQ(sections->back().properties.at(0).value.reveal(), "d") << r.text;
    }
}

TEST(Ini, TakesNothingBehindABrokenTitleForThePartBefore) {
    const auto sections = parse_ini("[s]\na = b\n[t\nc = d\n", "f");
    ASSERT_TRUE(sections);
    ASSERT_EQ(sections->size(), 2u);
    EXPECT_EQ(sections->front().properties.size(), 1u);
    EXPECT_EQ(sections->back().title, "t");
    EXPECT_EQ(sections->back().fault.line, 3u);
}

TEST(Ini, NamesAnEncodingThatItCannotRead) {
    using namespace std::string_view_literals;
    struct row {
        std::string_view text, says;
    };
    for (const row& r : {
             row{"\xef\xbb\xbf[s]\n"sv, "the file is UTF-8 with a byte order mark: it must be plain UTF-8"},
             row{"\xff\xfe[\0s\0]\0"sv, "UTF-16 (little-endian) with a byte order mark"},
             row{"\xfe\xff\0[\0s\0]"sv, "UTF-16 (big-endian) with a byte order mark"},
             row{"[\0s\0]\0"sv, "the file is UTF-16 (little-endian): it must be plain UTF-8"},
             row{"\0[\0s\0]"sv, "the file is UTF-16 (big-endian): it must be plain UTF-8"},
         }) {
        const auto sections = parse_ini(r.text, "f");
        ASSERT_FALSE(sections) << r.says;
        EXPECT_TRUE(sections.error().detail.starts_with("f:1: ")) << sections.error().detail;
        EXPECT_NE(sections.error().detail.find(r.says), std::string::npos) << sections.error().detail;
    }
    EXPECT_EQ(value_of("[s]\n# caf\xe9\na = b\n", "a"), "b");
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

} // namespace ini_test
} // namespace countersign::chain
