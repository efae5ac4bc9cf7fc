// The XML answers of the sandbox's S3: its buckets, and the objects of one.
#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/s3.hpp"
#include "proxy/sandbox/xml.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

namespace countersign::proxy::sandbox {

namespace {

constexpr const char* s3_namespace = "http://s3.amazonaws.com/doc/2006-03-01/";

// The page that a listing asks for. nullopt: max-keys is no number.
std::optional<list_question> question_of(const std::vector<field>& form) {
    list_question q;
    q.prefix = find_value(form, "prefix").value_or("");
    q.delimiter = find_value(form, "delimiter").value_or("");
    q.after = find_value(form, "start-after").value_or(find_value(form, "marker").value_or(""));
    if (const auto token = find_value(form, "continuation-token")) {
        q.after = percent_decode(*token);
    }
    if (const auto text = find_value(form, "max-keys")) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), q.most);
        if (error != std::errc{} || end != text->data() + text->size()) {
            return std::nullopt;
        }
        q.most = std::min<std::size_t>(q.most, 1000);
    }
    return q;
}

void add_object(pugi::xml_node root, const std::string& key, const object& what) {
    pugi::xml_node node = root.append_child("Contents");
    add_text(node, "Key", key);
    add_text(node, "LastModified", iso_time(what.modified));
    add_text(node, "ETag", what.etag);
    add_text(node, "Size", std::to_string(what.body.size()));
    add_text(node, "StorageClass", "STANDARD");
}

} // namespace

answer s3::account() const {
    pugi::xml_document document;
    pugi::xml_node root = document.append_child("ListAllMyBucketsResult");
    root.append_attribute("xmlns") = s3_namespace;
    add_text(root.append_child("Owner"), "ID", account_id);
    pugi::xml_node list_node = root.append_child("Buckets");
    for (const auto& [name, b] : buckets_.all()) {
        pugi::xml_node node = list_node.append_child("Bucket");
        add_text(node, "Name", name);
        add_text(node, "CreationDate", iso_time(b.created));
    }
    return xml_answer(200, document);
}

s3::outcome s3::list(const s3_place& where, const std::vector<field>& form) const {
    const bucket_set::bucket* found = buckets_.find(where.bucket);
    if (!found) {
        return no_such_bucket(where);
    }
    pugi::xml_document document;
    if (find_value(form, "location")) {
        document.append_child("LocationConstraint").append_attribute("xmlns") = s3_namespace; // empty: us-east-1
        return xml_answer(200, document);
    }
    const auto asked = question_of(form);
    if (!asked) {
        return service_error{400, "InvalidArgument", "Provided max-keys not an integer or within integer range"};
    }
    const bool version_2 = find_value(form, "list-type") == "2";
    const bool encoded = find_value(form, "encoding-type") == "url";
    const auto shown = [&](std::string_view text) { return encoded ? percent_encode(text) : std::string(text); };
    const listing page = list_objects(*found, *asked);

    pugi::xml_node root = document.append_child("ListBucketResult");
    root.append_attribute("xmlns") = s3_namespace;
    add_text(root, "Name", where.bucket);
    add_text(root, "Prefix", shown(asked->prefix));
    if (!asked->delimiter.empty()) {
        add_text(root, "Delimiter", shown(asked->delimiter));
    }
    if (encoded) {
        add_text(root, "EncodingType", "url");
    }
    add_text(root, "MaxKeys", std::to_string(asked->most));
    add_text(root, "IsTruncated", page.truncated ? "true" : "false");
    if (version_2) {
        add_text(root, "KeyCount", std::to_string(page.objects.size() + page.common_prefixes.size()));
    }
    if (version_2 && page.truncated) {
        add_text(root, "NextContinuationToken", percent_encode(page.last));
    }
    if (!version_2) {
        add_text(root, "Marker", shown(asked->after));
    }
    if (!version_2 && page.truncated) {
        add_text(root, "NextMarker", shown(page.last));
    }
    for (const listing::entry& e : page.objects) {
        add_object(root, shown(e.key), *e.what);
    }
    for (const std::string& p : page.common_prefixes) {
        add_text(root.append_child("CommonPrefixes"), "Prefix", shown(p));
    }
    return xml_answer(200, document);
}

} // namespace countersign::proxy::sandbox
