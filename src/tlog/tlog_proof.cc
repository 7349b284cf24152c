#include "tlog/tlog_proof.h"

#include "codec/base64.h"

namespace salus::tlog {
namespace {

constexpr std::string_view kHeader = "c2sp.org/tlog-proof@v1\n";
constexpr std::string_view kExtra = "extra ";
constexpr std::string_view kIndex = "index ";

Error BadProof(std::string_view what) {
  return InvalidArgument("tlog-proof: " + std::string(what));
}

// Takes "WORD VALUE\n" off the front and returns the value.
std::optional<std::string_view> TakeValue(std::string_view& text, std::string_view word) {
  const std::size_t end = text.find('\n');
  if (!text.starts_with(word) || end == text.npos) return std::nullopt;
  const std::string_view value = text.substr(word.size(), end - word.size());
  text.remove_prefix(end + 1);
  return value;
}

}  // namespace

Result<TlogProof> TlogProof::Parse(std::string_view text) {
  if (text.size() > 2 * kMaxNoteBytes) return BadProof("more than 2 MiB");
  if (!text.starts_with(kHeader)) return BadProof("does not begin with c2sp.org/tlog-proof@v1");
  text.remove_prefix(kHeader.size());
  std::optional<Bytes> extra;
  if (const auto value = TakeValue(text, kExtra)) {
    auto bytes = codec::Base64Decode(*value);
    if (!bytes) return BadProof("extra is not base64");
    extra = *std::move(bytes);
  }
  const auto index_text = TakeValue(text, kIndex);
  if (!index_text) return BadProof("has no index line");
  const auto index = ParseDecimal(*index_text);
  if (!index) return BadProof("index is not a number");
  // The first empty line parts proof and checkpoint; the checkpoint has one of its own.
  std::size_t proof_end = 0;
  if (!text.starts_with('\n')) {
    proof_end = text.find("\n\n");
    if (proof_end == text.npos) return BadProof("has no empty line before the checkpoint");
    ++proof_end;
  }
  TRY(auto proof, merkle::InclusionProof::Parse(text.substr(0, proof_end)));
  TRY(SignedCheckpoint checkpoint, SignedCheckpoint::Parse(text.substr(proof_end + 1)));
  return TlogProof{std::move(extra), {*index}, std::move(proof), std::move(checkpoint.note)};
}

std::string TlogProof::ToText() const {
  std::string text(kHeader);
  if (extra) text.append(kExtra).append(codec::Base64Encode(*extra)).append("\n");
  text.append(kIndex).append(std::to_string(index.value)).append("\n");
  return text.append(proof.ToText()).append("\n").append(checkpoint.ToText());
}

Result<VerifiedCheckpoint> TlogProof::Verify(const merkle::LeafHash& leaf,
                                             const Policy& policy) const {
  TRY(VerifiedCheckpoint verified, policy.Verify(checkpoint.ToText()));
  TRY_VOID(proof.Verify(leaf, index, verified.checkpoint.size, verified.checkpoint.root));
  return verified;
}

}  // namespace salus::tlog
