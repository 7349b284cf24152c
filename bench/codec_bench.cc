// The codecs on the path of an access event. The budget of FlatJsonParser is 0.2 us a line of 300
// bytes; BM_ParseLines is the form that ingest uses.
#include <benchmark/benchmark.h>

#include <string>

#include "base/check.h"
#include "codec/base64.h"
#include "codec/cbor.h"
#include "codec/flat_json.h"
#include "codec/json.h"
#include "codec/rfc3339.h"

namespace salus::codec {
namespace {

std::string Event(int i) {
  const std::string n = std::to_string(1'000'000 + i);
  return R"({"id":"0b6f0a1e-8c1f-4f0c-9a51-1f2e3)" + n + R"(","time":"2026-11-20T09:30:00.123Z",)" +
         R"("patient":"MRN-)" + n + R"(","user":"dr.example-)" + n + R"(","action":"read",)" +
         R"("record":"DiagnosticReport/)" + n + R"(","purpose":"TREAT","outcome":0,)" +
         R"("role":"physician","organization":"General Hospital, Radiology"})";
}

std::string Lines(int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += Event(i) + "\n";
  return out;
}

void CountLine(benchmark::State& state, std::size_t bytes_each, std::size_t lines_each) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes_each));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * lines_each));
}

void BM_ParseLines(benchmark::State& state) {
  const auto count = static_cast<int>(state.range(0));
  const std::string buffer = Lines(count);
  FlatJsonParser parser;
  for (auto _ : state) {
    std::size_t members_seen = 0;
    parser.ParseLines(
        buffer, [&](std::size_t, std::string_view, const Result<FlatJsonParser::Members>& members) {
          members_seen += members->size();
        });
    CHECK(members_seen == static_cast<std::size_t>(count) * 10);
  }
  CountLine(state, buffer.size(), static_cast<std::size_t>(count));
}
BENCHMARK(BM_ParseLines)->Arg(1)->Arg(1000)->Arg(10000);

// One line in a hundred is not UTF-8, so that every window is indexed line by line.
void BM_ParseLinesSpoiled(benchmark::State& state) {
  std::string buffer;
  for (int i = 0; i < 1000; ++i) buffer += i % 100 == 0 ? "{\"a\":\"\xff\"}\n" : Event(i) + "\n";
  FlatJsonParser parser;
  for (auto _ : state) {
    std::size_t refused = 0;
    parser.ParseLines(
        buffer, [&](std::size_t, std::string_view, const Result<FlatJsonParser::Members>& members) {
          refused += members ? 0 : 1;
        });
    CHECK(refused == 10);
  }
  CountLine(state, buffer.size(), 1000);
}
BENCHMARK(BM_ParseLinesSpoiled);

void BM_ParseOneLine(benchmark::State& state) {
  const std::string line = Event(1);
  FlatJsonParser parser;
  for (auto _ : state) benchmark::DoNotOptimize(parser.Parse(line));
  CountLine(state, line.size(), 1);
}
BENCHMARK(BM_ParseOneLine);

void BM_ParseJson(benchmark::State& state) {
  const std::string line = Event(1);
  for (auto _ : state) benchmark::DoNotOptimize(ParseJson(line));
  CountLine(state, line.size(), 1);
}
BENCHMARK(BM_ParseJson);

void BM_WriteJson(benchmark::State& state) {
  const Json tree = ParseJson(Event(1)).value();
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendJson(tree, out);
    benchmark::DoNotOptimize(out.data());
  }
  CountLine(state, out.size(), 1);
}
BENCHMARK(BM_WriteJson);

void BM_ParseRfc3339(benchmark::State& state) {
  const std::string text = "2026-11-20T09:30:00.123Z";
  for (auto _ : state) benchmark::DoNotOptimize(ParseRfc3339(text));
}
BENCHMARK(BM_ParseRfc3339);

void BM_FormatRfc3339(benchmark::State& state) {
  const Timestamp time = FromUnixMillis(1'795'166'400'123);
  for (auto _ : state) benchmark::DoNotOptimize(FormatRfc3339(time));
}
BENCHMARK(BM_FormatRfc3339);

void BM_WriteCborEvent(benchmark::State& state) {
  Bytes out;
  out.reserve(1024);
  const std::string text(24, 'x');
  for (auto _ : state) {
    out.clear();
    CborWriter writer(out);
    writer.Map(10);
    for (std::uint64_t label = 1; label <= 10; ++label) {
      writer.Uint(label);
      writer.Text(text);
    }
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_WriteCborEvent);

void BM_CheckCborEvent(benchmark::State& state) {
  Bytes out;
  CborWriter writer(out);
  writer.Map(10);
  for (std::uint64_t label = 1; label <= 10; ++label) {
    writer.Uint(label);
    writer.Text(std::string(24, 'x'));
  }
  for (auto _ : state) benchmark::DoNotOptimize(CheckDeterministic(out));
}
BENCHMARK(BM_CheckCborEvent);

void BM_Base64Url(benchmark::State& state) {
  const Bytes bytes(300, 0x5a);
  for (auto _ : state) benchmark::DoNotOptimize(Base64UrlDecode(Base64UrlEncode(bytes)));
}
BENCHMARK(BM_Base64Url);

}  // namespace
}  // namespace salus::codec

BENCHMARK_MAIN();
