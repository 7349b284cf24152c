# One line a benchmark: salus_bench(NAME x_bench DEPS module...)
salus_bench(NAME crypto_bench DEPS crypto)
salus_bench(NAME codec_bench DEPS codec)
salus_bench(NAME merkle_bench DEPS merkle)
