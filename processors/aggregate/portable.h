/* portable.h: the few functions that aggregates need beyond + - * / and sqrt, made of nothing but these.
 *
 * Why not libm's: only + - * / and sqrt (IEEE 754-2008, 5.4.1), and what moves bits alone (frexp, ldexp,
 * floor, fmod), give the same bits everywhere. log, exp, sin and atan2 differ in the last place between the
 * versions of one libm already, and the same log must give the same numbers on every host. These differ
 * from the true value by a few units in the last place; tests hold them against libm.
 *
 * Formulas: Abramowitz and Stegun, Handbook of Mathematical Functions, 4.1.27 (log), 4.2.1 (exp), 4.3.65
 * and 4.3.66 (sin, cos), 4.4.42 and 4.4.34 (arctan).   Thread: any. */
#ifndef BF_PROCESSORS_PORTABLE_H
#define BF_PROCESSORS_PORTABLE_H

/* x > 0 and finite. */
double bf_portable_log2(double x);
/* Infinite or zero beyond the range of a double. */
double bf_portable_exp2(double x);
/* Of a finite angle in degrees, of any number of turns. */
void bf_portable_sincos(double degrees, double *sine, double *cosine);
/* The direction of (x, y), not both zero, in degrees from 0 to below 360. */
double bf_portable_direction(double y, double x);

#endif
