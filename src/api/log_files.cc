// What others need to check the log: checkpoints, tiles, bundles, map updates, and what to pin.

#include <fmt/format.h>

#include <algorithm>

#include "api/handlers.h"
#include "api/service.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "merkle/tile.h"
#include "tlog/checkpoint.h"
#include "tlog/log.h"

namespace salus::api {

namespace {

constexpr std::uint64_t kMaxUpdates = 65'536;
constexpr char kImmutable[] = "public, max-age=31536000, immutable";

Error NotPermitted() { return PermissionDenied("not permitted"); }

Result<std::shared_ptr<const tlog::PublishedCheckpoint>> Published(const Call& call) {
  auto published = call.service.node().log().published();
  if (published == nullptr) return Unavailable("no checkpoint is published yet: ask again");
  return published;
}

// FindTile reads the tile of a path, and insists that the published tree has it.
Result<merkle::TileId> FindTile(const Call& call, std::string_view prefix) {
  const Result<merkle::ParsedTilePath> parsed =
      merkle::ParseTilePath(std::string(prefix) + call.request.Parameter("path"));
  if (!parsed) return NotFound("no such tile");
  TRY(const auto published, Published(call));
  const merkle::TileId id = parsed->id;
  if (id.level > merkle::kMaxTileLevel ||
      merkle::TileWidthAt(published->size, id.level, id.n) < id.width) {
    return NotFound("no such tile yet");
  }
  return id;
}

Response Immutable(const Bytes& bytes) {
  return {200,
          {{"Content-Type", "application/octet-stream"}, {"Cache-Control", kImmutable}},
          std::string(AsText(bytes))};
}

bool IsAdmitted(const std::vector<std::string>& admitted, const Caller& caller) {
  if (!caller.identity) return false;
  const Result<std::string> uri = caller.identity->ToUri();
  return uri && std::find(admitted.begin(), admitted.end(), *uri) != admitted.end();
}

Result<Response> AnswerBundle(const Call& call) {
  TRY(const merkle::TileId id, FindTile(call, "tile/entries/"));
  TRY(const Bytes bundle, call.service.node().log().ReadBundle(id));
  return Immutable(bundle);
}

// HostOf is the host that the client called us by, without a port; empty when it is no plain one.
std::string_view HostOf(const http::Request& request) {
  std::string_view host = request.Find("host").value_or("");
  const bool is_ipv6 = host.starts_with('[');
  host = host.substr(0, is_ipv6 ? host.find(']') + 1 : host.find(':'));
  const bool is_plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == ':' || c == '[' || c == ']';
  });
  return is_plain ? host : std::string_view();
}

struct UpdateRange {
  std::uint64_t first, last;
};

Result<UpdateRange> ReadRange(std::string_view text, std::uint64_t size) {
  const std::size_t dash = text.find('-');
  if (dash == std::string_view::npos) return InvalidArgument("write the range as FIRST-LAST");
  TRY(const std::uint64_t first, tlog::ParseDecimal(text.substr(0, dash)));
  TRY(const std::uint64_t last, tlog::ParseDecimal(text.substr(dash + 1)));
  if (first > last || last - first >= kMaxUpdates) {
    return InvalidArgument("the range must be in order, and of at most 65536 entries");
  }
  if (last >= size) return NotFound("the published log does not reach that far");
  return UpdateRange{first, last};
}

}  // namespace

Result<Response> GetCheckpoint(const Call& call) {
  TRY(const auto published, Published(call));
  Response response = Response::Text(200, published->note);
  response.headers.Add("Cache-Control", "no-store");
  return response;
}

Result<Response> GetTile(const Call& call) {
  TRY(const merkle::TileId id, FindTile(call, "tile/"));
  TRY(const Bytes tile, call.service.node().log().ReadTile(id));
  return Immutable(tile);
}

Result<Response> GetBundle(const Call& call) {
  const node::Config& config = call.service.node().config();
  if (!config.public_entries && !IsAdmitted(config.followers, call.caller)) return NotPermitted();
  return AnswerBundle(call);
}

Result<Response> GetUpdates(const Call& call) {
  node::Node& node = call.service.node();
  if (!IsAdmitted(node.config().map_verifiers, call.caller)) return NotPermitted();
  TRY(const auto published, Published(call));
  TRY(const UpdateRange range, ReadRange(call.request.Parameter("range"), published->size.value));
  Bytes updates;
  TRY_VOID(node.log().Scan(range.first, range.last + 1,
                           [&](const storage::RecordView& record) -> Result<void> {
                             TRY(const tlog::RecordMeta meta, tlog::RecordMeta::Parse(record.meta));
                             if (!meta.subject) return {};
                             codec::CborWriter writer(updates);
                             writer.Array(2);
                             writer.Uint(record.number);
                             writer.ByteString(node.log().subjects().at(*meta.subject).tag.span());
                             return {};
                           }));
  return Response{200,
                  {{"Content-Type", "application/cbor-seq"}, {"Cache-Control", "no-store"}},
                  std::string(AsText(updates))};
}

Result<Response> GetConnect(const Call& call) {
  node::Node& node = call.service.node();
  const audit::PinnedLog pinned = node.pinned();
  codec::JsonObject body;
  body["origin"] = pinned.origin;
  body["log_vkey"] = pinned.log_vkey;
  body["receipt_vkey"] = pinned.receipt_vkey;
  body["vrf_key"] = codec::Base64UrlEncode(pinned.vrf_key.bytes());
  body["policy"] = pinned.policy;
  body["root"] = node.root_certificate_pem();
  TRY(const tlog::StoredEntry first, node.log().ReadEntry(merkle::LeafIndex{0}));
  body["genesis"] = codec::Base64UrlEncode(first.entry);
  body["exchange"] = call.service.server_chain_pem();
  // Where the doors are helps to find them; who answers there is checked against the root.
  const std::string_view host = HostOf(call.request);
  if (!host.empty() && call.service.machine_port() != 0) {
    body["url"] = fmt::format("https://{}:{}", host, call.service.machine_port());
    body["public_url"] = fmt::format("https://{}:{}", host, call.service.public_port());
  }
  Response response = JsonResponse(body);
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

}  // namespace salus::api
