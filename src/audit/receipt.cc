#include "audit/receipt.h"

#include <bit>
#include <charconv>

#include "base/check.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "merkle/hash.h"

namespace salus::audit {

namespace {

using merkle::LeafHash;
using merkle::NodeHash;

Error BadReceipt() { return VerificationFailed("the receipt does not fit together"); }

// The largest power of two below n: where RFC 6962 splits a tree of n > 1 leaves.
std::uint64_t SplitOf(std::uint64_t n) { return std::bit_floor(n - 1); }

struct OwnRange {
  std::uint64_t begin;
  std::uint64_t end;
  bool IsBeside(std::uint64_t lo, std::uint64_t hi) const { return hi <= begin || lo >= end; }
};

class Rebuilder {
 public:
  Rebuilder(OwnRange own, std::span<const LeafHash> leaves, std::span<const NodeHash> beside)
      : own_(own), leaves_(leaves), beside_(beside) {}

  Result<NodeHash> Root(std::uint64_t lo, std::uint64_t hi) {
    if (own_.IsBeside(lo, hi)) {
      if (beside_.empty()) return BadReceipt();
      const NodeHash hash = beside_.front();
      beside_ = beside_.subspan(1);
      return hash;
    }
    if (hi - lo == 1) return merkle::AsNode(leaves_[lo - own_.begin]);
    const std::uint64_t middle = lo + SplitOf(hi - lo);
    TRY(const NodeHash left, Root(lo, middle));
    TRY(const NodeHash right, Root(middle, hi));
    return merkle::HashChildren(left, right);
  }
  bool has_used_all() const { return beside_.empty(); }

 private:
  const OwnRange own_;
  const std::span<const LeafHash> leaves_;
  std::span<const NodeHash> beside_;
};

NodeHash SubtreeRoot(const merkle::MemoryTree& tree, std::uint64_t lo, std::uint64_t hi) {
  const std::uint64_t width = hi - lo;
  if (std::has_single_bit(width) && lo % width == 0) {
    const unsigned level = static_cast<unsigned>(std::countr_zero(width));
    const Result<NodeHash> node = tree.Read(level, lo >> level);
    CHECK(node.has_value());
    return *node;
  }
  const std::uint64_t middle = lo + SplitOf(width);
  return merkle::HashChildren(SubtreeRoot(tree, lo, middle), SubtreeRoot(tree, middle, hi));
}

void CollectBeside(const merkle::MemoryTree& tree, OwnRange own, std::uint64_t lo, std::uint64_t hi,
                   std::vector<NodeHash>& beside) {
  if (own.IsBeside(lo, hi)) {
    beside.push_back(SubtreeRoot(tree, lo, hi));
    return;
  }
  if (hi - lo == 1 || (own.begin <= lo && hi <= own.end)) return;
  const std::uint64_t middle = lo + SplitOf(hi - lo);
  CollectBeside(tree, own, lo, middle, beside);
  CollectBeside(tree, own, middle, hi, beside);
}

Result<std::uint64_t> ReadNumber(std::string_view line) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (error != std::errc() || end != line.data() + line.size()) return BadReceipt();
  if (std::to_string(value) != line) return BadReceipt();
  return value;
}

void AppendReceiptLeaf(const ReceiptLeaf& leaf, Bytes& out) {
  codec::CborWriter writer(out);
  writer.Array(5);
  writer.Text(leaf.source);
  writer.Text(leaf.event_id);
  writer.Uint(leaf.index.value);
  writer.ByteString(leaf.leaf_hash.span());
  writer.ByteString(leaf.tag.span());
}

}  // namespace

LeafHash HashReceiptLeaf(const ReceiptLeaf& leaf) {
  LeafHash hash;
  HashReceiptLeaves({&leaf, 1}, {&hash, 1});
  return hash;
}

void HashReceiptLeaves(std::span<const ReceiptLeaf> leaves, std::span<LeafHash> out) {
  Bytes bytes;
  bytes.reserve(leaves.size() * 192);
  std::vector<std::size_t> ends;
  ends.reserve(leaves.size());
  for (const ReceiptLeaf& leaf : leaves) {
    AppendReceiptLeaf(leaf, bytes);
    ends.push_back(bytes.size());
  }
  std::vector<ByteSpan> views;
  views.reserve(leaves.size());
  std::size_t at = 0;
  for (const std::size_t end : ends) {
    views.push_back(ByteSpan(bytes).subspan(at, end - at));
    at = end;
  }
  merkle::HashLeaves(views, out);
}

std::string ReceiptBody::ToText() const {
  std::string text = origin + "/receipts\n";
  for (const std::uint64_t number :
       {first_index, count, static_cast<std::uint64_t>(ToUnixMillis(time)), leaves}) {
    text += std::to_string(number) + "\n";
  }
  return text + codec::Base64Encode(root.span()) + "\n";
}

Result<ReceiptBody> ReceiptBody::Parse(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == text.npos) return BadReceipt();
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  constexpr std::string_view kSuffix = "/receipts";
  if (lines.size() != 6 || !lines[0].ends_with(kSuffix)) return BadReceipt();
  ReceiptBody body;
  body.origin = lines[0].substr(0, lines[0].size() - kSuffix.size());
  TRY(body.first_index, ReadNumber(lines[1]));
  TRY(body.count, ReadNumber(lines[2]));
  TRY(const std::uint64_t time_ms, ReadNumber(lines[3]));
  body.time = FromUnixMillis(static_cast<std::int64_t>(time_ms));
  TRY(body.leaves, ReadNumber(lines[4]));
  const Result<Bytes> root = codec::Base64Decode(lines[5]);
  if (!root) return BadReceipt();
  const Result<merkle::RootHash> hash = merkle::RootHash::FromBytes(*root);
  if (!hash) return BadReceipt();
  body.root = *hash;
  return body;
}

Result<merkle::RootHash> RootFromReceipt(const Receipt& receipt, std::span<const LeafHash> own,
                                         std::uint64_t leaves) {
  if (own.empty() || receipt.own != own.size() || receipt.first > leaves ||
      receipt.own > leaves - receipt.first) {
    return BadReceipt();
  }
  Rebuilder rebuilder({receipt.first, receipt.first + receipt.own}, own, receipt.beside);
  TRY(const NodeHash root, rebuilder.Root(0, leaves));
  if (!rebuilder.has_used_all()) return BadReceipt();
  return merkle::AsRoot(root);
}

Receipt MakeReceipt(std::string note, const merkle::MemoryTree& tree, std::uint64_t first,
                    std::uint64_t own) {
  CHECK(own > 0 && first + own <= tree.size().value);
  Receipt receipt{std::move(note), first, own, {}};
  CollectBeside(tree, {first, first + own}, 0, tree.size().value, receipt.beside);
  return receipt;
}

}  // namespace salus::audit
