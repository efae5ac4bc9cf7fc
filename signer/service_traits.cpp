#include "signer/service_traits.hpp"

#include "signer/scope_lookup.hpp"

namespace countersign::signer {

// Everything that is special about signing for a service, in one place.
const service_traits& traits_of(std::string_view service) noexcept {
    static constexpr service_traits json{};
    static constexpr service_traits query{.errors = wire_protocol::query_xml};
    static constexpr service_traits rest{.errors = wire_protocol::rest_xml};
    static constexpr service_traits ec2{.errors = wire_protocol::ec2_xml};
    // S3 compares with the path as it was sent, and answers 400 without the hash header.
    static constexpr service_traits object_store{
        .path = path_rule::s3, .content_sha256_header = true, .errors = wire_protocol::rest_xml};
    // These demand the hash header, but follow the standard in the path.
    static constexpr service_traits with_hash{.content_sha256_header = true};
    for (const std::string_view name : {"s3", "s3express", "s3-outposts", "s3-object-lambda"}) {
        if (service == name) {
            return object_store;
        }
    }
    if (service == "aoss" || service == "glacier") {
        return with_hash;
    }
    // VPC Lattice reads no body ("SigV4 authenticated requests for Amazon VPC Lattice").
    static constexpr service_traits without_payload{.content_sha256_header = true, .payload_unsigned = true};
    if (service == "vpc-lattice-svcs") {
        return without_payload;
    }
    // AWS IoT, MQTT over WebSocket.
    static constexpr service_traits device_gateway{.token_after_signing = true};
    if (service == "iotdevicegateway") {
        return device_gateway;
    }
    const auto xml = xml_of(service);
    if (!xml) {
        return json;
    }
    switch (*xml) {
    case wire_protocol::rest_xml:
        return rest;
    case wire_protocol::ec2_xml:
        return ec2;
    default:
        return query;
    }
}

} // namespace countersign::signer
