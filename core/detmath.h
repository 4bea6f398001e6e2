// core/detmath.h — natural logarithm and powers of two that give the same bits on every machine and
// compiler: glibc's differ with and without FMA. Built with -ffp-contract=off; only + - * / and
// sqrt.
#ifndef WEIR_CORE_DETMATH_H
#define WEIR_CORE_DETMATH_H

// ln x for x > 0 (subnormals included); -inf at 0, NaN below. Error < 1 ulp of the true value.
double weir_ln(double x);
// 2^x; 0 and +inf beyond the range of double. Error < 1 ulp.
double weir_exp2(double x);

#endif
