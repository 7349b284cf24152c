// Speed and memory of the merkle module. Items are leaves, subjects or proofs.
#include <benchmark/benchmark.h>

#include <fstream>
#include <string>

#include "merkle/compact_range.h"
#include "merkle/hash.h"
#include "merkle/map.h"
#include "merkle/memory_tree.h"
#include "merkle/proof.h"

namespace salus::merkle {
namespace {

std::vector<LeafHash> RandomLeaves(std::size_t count) {
  std::vector<LeafHash> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back(HashLeaf(AsBytes(std::to_string(i))));
  return leaves;
}

std::vector<MapUpdate> RandomUpdates(std::size_t count) {
  std::vector<MapUpdate> updates;
  for (const LeafHash& leaf : RandomLeaves(count)) {
    updates.push_back({MapPosition(leaf.bytes()), {1, ChainHead(leaf.bytes())}});
  }
  return updates;
}

std::uint64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total_pages = 0;
  std::uint64_t resident_pages = 0;
  statm >> total_pages >> resident_pages;
  return resident_pages * 4096;
}

void AppendLeaves(benchmark::State& state) {
  const auto leaves = RandomLeaves(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(RootOf(leaves));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(AppendLeaves)->Arg(1000)->Arg(20'000);

void HashEntries(benchmark::State& state) {
  const std::vector<Bytes> entries(1000, Bytes(static_cast<std::size_t>(state.range(0)), 7));
  const std::vector<ByteSpan> views(entries.begin(), entries.end());
  std::vector<LeafHash> leaves(views.size());
  for (auto _ : state) HashLeaves(views, leaves);
  state.SetItemsProcessed(state.iterations() * 1000);
}
BENCHMARK(HashEntries)->Arg(300)->Arg(486);

void InclusionProofs(benchmark::State& state) {
  const auto leaves = RandomLeaves(1 << 20);
  const MemoryTree tree(leaves);
  const RootHash root = tree.Root();
  std::uint64_t i = 0;
  for (auto _ : state) {
    const LeafIndex index{(i += 7919) % leaves.size()};
    const auto proof = ProveInclusion(index, tree.size(), tree);
    if (!proof->Verify(leaves[index.value], index, tree.size(), root)) std::abort();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(InclusionProofs);

// range(0) subjects, batches of range(1) of them.
void MapApply(benchmark::State& state) {
  auto updates = RandomUpdates(static_cast<std::size_t>(state.range(0)));
  MapTree tree;
  tree.Apply(updates);
  const auto count = static_cast<std::size_t>(state.range(1));
  std::vector<std::vector<MapUpdate>> batches(8);
  std::size_t at = 0;  // a stride that is prime to every size visits all subjects
  for (auto& batch : batches) {
    for (std::size_t i = 0; i < count; ++i) batch.push_back(updates[(at += 7919) % updates.size()]);
  }
  std::size_t next = 0;
  for (auto _ : state) {
    for (MapUpdate& update : batches[next % 8]) ++update.value.count;
    tree.Apply(batches[next++ % 8]);
  }
  state.SetItemsProcessed(state.iterations() * state.range(1));
}
BENCHMARK(MapApply)
    ->Args({20'000, 20'000})
    ->Args({100'000, 10'000})
    ->Args({100'000, 20'000})
    ->Args({1'000'000, 20'000})
    ->Args({1'000'000, 100})
    ->Unit(benchmark::kMillisecond);

void MapInsertMillion(benchmark::State& state) {
  const auto updates = RandomUpdates(1'000'000);
  for (auto _ : state) {
    const std::uint64_t before = ResidentBytes();
    MapTree tree;
    for (std::size_t done = 0; done < updates.size(); done += 20'000) {
      tree.Apply(std::span(updates).subspan(done, 20'000));
    }
    state.counters["bytes_per_subject"] =
        static_cast<double>(ResidentBytes() - before) / static_cast<double>(tree.size());
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(MapInsertMillion)->Iterations(1)->Unit(benchmark::kMillisecond);

void MapSnapshotRestoreMillion(benchmark::State& state) {
  MapTree tree;
  tree.Apply(RandomUpdates(1'000'000));
  Bytes file;
  const auto written = tree.WriteSnapshot([&](ByteSpan chunk) -> Result<void> {
    Append(file, chunk);
    return {};
  });
  if (!written) std::abort();
  for (auto _ : state) {
    std::size_t at = 0;
    const auto restored = MapTree::ReadSnapshot([&](MutableByteSpan out) -> Result<std::size_t> {
      const std::size_t count = std::min(out.size(), file.size() - at);
      std::memcpy(out.data(), file.data() + at, count);
      at += count;
      return count;
    });
    if (!restored || restored->root() != tree.root()) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(MapSnapshotRestoreMillion)->Iterations(2)->Unit(benchmark::kMillisecond);

void MapProve(benchmark::State& state) {
  const auto updates = RandomUpdates(1'000'000);
  MapTree tree;
  tree.Apply(updates);
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(tree.Prove(updates[(i += 7919) % updates.size()].position));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(MapProve);

}  // namespace
}  // namespace salus::merkle

BENCHMARK_MAIN();
