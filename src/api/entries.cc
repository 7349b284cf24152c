#include "api/handlers.h"
#include "api/service.h"
#include "codec/base64.h"
#include "tlog/checkpoint.h"

namespace salus::api {

namespace {

// A checkpoint may be published between the proof and its note: then both are taken anew.
constexpr int kMaxTries = 8;

struct ProvenEntry {
  audit::IncludedEntry shown;
  std::string checkpoint;
};

Result<ProvenEntry> ProveEntry(node::Node& node, const audit::SourceRow& source,
                               merkle::LeafIndex index) {
  for (int i = 0; i < kMaxTries; ++i) {
    const auto before = node.log().published();
    TRY(audit::IncludedEntry shown, node.historian().EntryForSource(source, index));
    if (before == node.log().published()) return ProvenEntry{std::move(shown), before->note};
  }
  return Unavailable("checkpoints follow each other too fast: ask again");
}

codec::JsonArray HashesOf(const merkle::InclusionProof& proof) {
  codec::JsonArray hashes;
  for (const merkle::NodeHash& hash : proof.hashes()) {
    hashes.emplace_back(codec::Base64UrlEncode(hash.span()));
  }
  return hashes;
}

codec::JsonObject FilingOf(const tlog::UpdateProof& proof) {
  codec::JsonObject filing;
  filing["map_root"] = proof.map_root.value;
  filing["map_entry"] = codec::Base64UrlEncode(proof.map_entry);
  filing["position"] = proof.position;
  filing["steps"] = proof.steps.value;
  filing["path"] = HashesOf(proof.path);
  return filing;
}

}  // namespace

Result<Response> GetEntry(const Call& call) {
  TRY(const audit::SourceRow source, call.service.SourceOf(call.caller));
  TRY(const std::uint64_t index, tlog::ParseDecimal(call.request.Parameter("index")));
  TRY(const ProvenEntry proven, ProveEntry(call.service.node(), source, {index}));
  codec::JsonObject body;
  body["index"] = index;
  body["entry"] = codec::Base64UrlEncode(proven.shown.entry);
  body["inclusion"] = HashesOf(proven.shown.inclusion);
  body["checkpoint"] = proven.checkpoint;
  if (proven.shown.filing) body["filing"] = FilingOf(*proven.shown.filing);
  return JsonResponse(body);
}

}  // namespace salus::api
