#include "tlog/witness_request.h"

#include "codec/hex.h"
#include "crypto/sha256.h"

namespace salus::tlog {
namespace {

constexpr std::string_view kOld = "old ";

Error BadRequest(std::string_view what) {
  return InvalidArgument("add-checkpoint: " + std::string(what));
}

}  // namespace

Result<AddCheckpointRequest> AddCheckpointRequest::Parse(std::string_view body) {
  const std::size_t first_end = body.find('\n');
  if (!body.starts_with(kOld) || first_end == body.npos) return BadRequest("has no old line");
  const auto old_size = ParseDecimal(body.substr(kOld.size(), first_end - kOld.size()));
  if (!old_size) return BadRequest("the old size is not a number");
  body.remove_prefix(first_end + 1);
  std::size_t proof_end = 0;
  if (!body.starts_with('\n')) {
    proof_end = body.find("\n\n");
    if (proof_end == body.npos) return BadRequest("has no empty line before the checkpoint");
    ++proof_end;
  }
  TRY(auto proof, merkle::ConsistencyProof::Parse(body.substr(0, proof_end)));
  TRY(auto checkpoint, SignedCheckpoint::Parse(body.substr(proof_end + 1)));
  return AddCheckpointRequest{{*old_size}, std::move(proof), std::move(checkpoint)};
}

std::string AddCheckpointRequest::ToText() const {
  return std::string(kOld) + std::to_string(old_size.value) + "\n" + proof.ToText() + "\n" +
         checkpoint.note.ToText();
}

std::string TreeSizeBody(TreeSize size) { return std::to_string(size.value) + "\n"; }

Result<TreeSize> ParseTreeSizeBody(std::string_view body) {
  if (!body.ends_with('\n')) return InvalidArgument("not a tree size line");
  TRY(const std::uint64_t size, ParseDecimal(body.substr(0, body.size() - 1)));
  return TreeSize{size};
}

std::string MonitoringPath(std::string_view origin) {
  return codec::HexEncode(crypto::Sha256(AsBytes(origin))) + "/checkpoint";
}

}  // namespace salus::tlog
