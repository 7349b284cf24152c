// verify_bench --directory D: the whole log verified from its bytes, with the map replayed.
#include <chrono>
#include <cstdlib>

#include "bench/figures.h"
#include "bench/options.h"
#include "node/data_check.h"

int main(int argc, char** argv) {
  const salus::bench::Options options(argc, argv, {{"directory", ""}, {"section", "embedded"}});
  salus::bench::Progress("verifying everything, the map replayed");
  const auto start = std::chrono::steady_clock::now();
  const auto report =
      salus::bench::OrDie("verify", salus::node::CheckData(options.Text("directory"), {}));
  const double seconds = salus::bench::SecondsSince(start);
  if (!report.is_clean()) {
    salus::bench::Die("verify", salus::Corruption(report.findings.front().what));
  }
  salus::bench::Figures(options.Text("section"))
      .Add("verification of everything, map replayed",
           static_cast<double>(report.entries) / seconds, "entries/s");
  return 0;
}
