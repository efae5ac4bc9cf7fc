// [[client]] and the identities that they name.
#include "conf/load.hpp"
#include "conf/show.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace countersign::conf {
namespace client_test {

using testing::HasSubstr;

std::string refusal_of(const std::string& text) {
    try {
        load(text, "f.toml");
    } catch (const error& e) {
        return e.what();
    }
    return "accepted";
}

std::string client_of(const std::string& id, const std::string& more = "") {
    return "[[client]]\naccess_key_id = \"" + id + "\"\nsecret_access_key_file = \"/s\"\n" + more;
}

TEST(Client, IsReadAndFindsItsIdentity) {
    const std::string identities = "[identity.a]\nprofile = \"a\"\n[identity.b]\nprofile = \"b\"\n";
    const config c = load(
        client_of("AKIADUMMYTENANTONE00", "identity = \"b\"\n") + client_of("AKIADUMMYTENANTTWO00") + identities,
        "f.toml"
    );
    ASSERT_EQ(c.clients.size(), 2u);
    EXPECT_EQ(c.clients[0].access_key_id, "AKIADUMMYTENANTONE00");
    EXPECT_EQ(c.clients[0].secret_access_key_file, "/s");
    ASSERT_NE(c.clients[0].identity_index, 0u);
    EXPECT_EQ(c.identities[c.clients[0].identity_index - 1].name, "b");
    EXPECT_EQ(c.clients[1].identity_index, 0u);
    EXPECT_THAT(show(c), HasSubstr("[[client]]\naccess_key_id = \"AKIADUMMYTENANTONE00\""));
}

TEST(Client, NeedsBothOfItsKeysAndAnIdentityThatExists) {
    const std::string id = "AKIADUMMYTENANTONE00";
    EXPECT_THAT(refusal_of("[[client]]\naccess_key_id = \"" + id + "\"\n"), HasSubstr("f.toml:1: every [[client]]"));
    EXPECT_THAT(refusal_of("[[client]]\nsecret_access_key_file = \"/s\"\n"), HasSubstr("f.toml:1: every [[client]]"));
    EXPECT_EQ(refusal_of(client_of(id, "identity = \"x\"\n")), "f.toml:1: there is no [identity.x]");
    EXPECT_THAT(refusal_of(client_of(id) + client_of(id)), HasSubstr("f.toml:4: this access_key_id is that of"));
}

TEST(Client, IsNotAnEmptyListNorATable) {
    EXPECT_THAT(refusal_of("client = []\n"), HasSubstr("an empty list names nobody"));
    EXPECT_THAT(refusal_of("[client]\naccess_key_id = \"x\"\n"), HasSubstr("written as [[client]]"));
    EXPECT_THAT(refusal_of("client = [1]\n"), HasSubstr("written as [[client]]"));
}

TEST(Client, HoldsNoSecretAndNoImpossibleKeyId) {
    EXPECT_THAT(refusal_of("[[client]]\nsecret_access_key = \"x\"\n"), HasSubstr("do not belong into this file"));
    for (const char* id : {"short", "AKIADUMMY/TENANTONE00", "AKIADUMMY TENANTONE0"})
        EXPECT_THAT(refusal_of(client_of(id)), HasSubstr("f.toml:2: client.access_key_id")) << id;
}

} // namespace client_test
} // namespace countersign::conf
