# One line a benchmark: salus_bench(NAME x_bench DEPS module...)
salus_bench(NAME crypto_bench DEPS crypto)
salus_bench(NAME codec_bench DEPS codec)
salus_bench(NAME merkle_bench DEPS merkle)
salus_bench(NAME storage_bench DEPS storage)
salus_bench(NAME http_bench DEPS http LIBS OpenSSL::SSL
  SOURCES ${CMAKE_SOURCE_DIR}/bench/http_bench.cc ${CMAKE_SOURCE_DIR}/src/http/test_identity.cc)
