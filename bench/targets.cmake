# One line a benchmark: salus_bench(NAME x_bench DEPS module...)
salus_bench(NAME aggregate_noise_bench DEPS aggregate)
salus_bench(NAME crypto_bench DEPS crypto)
salus_bench(NAME hpke_bench DEPS crypto)
salus_bench(NAME codec_bench DEPS codec)
salus_bench(NAME dap_bench DEPS aggregate)
salus_bench(NAME merkle_bench DEPS merkle)
salus_bench(NAME prio3_bench DEPS aggregate)
salus_bench(NAME storage_bench DEPS storage)
salus_bench(NAME http_bench DEPS http LIBS OpenSSL::SSL
  SOURCES ${CMAKE_SOURCE_DIR}/bench/http_bench.cc ${CMAKE_SOURCE_DIR}/src/http/test_identity.cc)

# The whole-system bench: scripts/bench.sh
add_library(bench_parts STATIC EXCLUDE_FROM_ALL
  figures.h figures.cc options.h options.cc workload.h workload.cc)
target_include_directories(bench_parts PUBLIC ${CMAKE_SOURCE_DIR})
target_link_libraries(bench_parts PUBLIC salus_base fmt::fmt)
salus_system_bench(NAME workload DEPS base SOURCES workload_main.cc)
salus_system_bench(NAME disk_probe DEPS base SOURCES disk_probe.cc)
salus_system_bench(NAME embedded_bench DEPS node
  SOURCES embedded_bench.cc feeder.h feeder.cc population.h population.cc)
salus_system_bench(NAME server_bench DEPS node http LIBS OpenSSL::SSL
  SOURCES server_bench.cc population.cc tls_load.h tls_load.cc server_process.h server_process.cc)
salus_system_bench(NAME history_bench DEPS node
  SOURCES history_bench.cc feeder.cc population.cc run_program.h run_program.cc server_process.cc)
if(EXISTS ${CMAKE_SOURCE_DIR}/src/node/data_check.cc)
  salus_system_bench(NAME verify_bench DEPS node SOURCES verify_bench.cc)
endif()
