# One line a benchmark: salus_bench(NAME x_bench DEPS module...)
