/*
 * development.h
 *		How many points of each issue period will be redeemed in the end: the chain
 *		ladder over a redemption triangle, with Mack's standard errors.
 *
 * Mack, T. (1993): Distribution-free calculation of the standard error of chain
 * ladder reserve estimates. ASTIN Bulletin 23(2), 213-225.
 *
 *		age		  0    1    2    3
 *		January	100  180  210  220		what was redeemed of January's points by the end
 *		February 90  150  190			of each age; ages that are over as of today
 *		March	 80  160
 *		April	120
 *		May							not over even at age 0
 *
 * A cohort that still has points outstanding goes on as the older ones did: what it
 * had redeemed by its last complete age, times the factors of the ages that others
 * have been through since. It ends with the oldest age there is: what happens later
 * was never seen, so it is in neither the estimates nor their errors, and both are too
 * low as long as the history is shorter than points live.
 *
 * Where nothing was redeemed yet there is nothing to multiply: by such a cohort
 * itself, or by all the others when they were of its age. It then gets per point
 * issued, for each age to come, what the others redeemed in that age per point issued
 * (the additive method); May is an example. What it may have redeemed in its running
 * age only counts as the least it can be. Where no cohort has completed an age,
 * nothing tells what won't be redeemed: all that is outstanding is expected, as IFRS 15
 * B46 has it where no breakage can be estimated, and the error is unknown.
 *
 * An ultimate is never below what is redeemed already, nor above that and what is
 * outstanding. So it is known where nothing is outstanding, with error 0.
 */
#ifndef LOYALTY_DEVELOPMENT_H
#define LOYALTY_DEVELOPMENT_H

/* The points issued in one period. Periods in which nothing was issued may be left out. */
typedef struct DevelopmentCohort
{
	double issued;			/* less what was taken back */
	const double *redeemed; /* by the end of age 0, 1, ... */
	int32 ages;				/* that are complete; 0: none */
	double redeemed_now;	/* of which some may be in the age that isn't complete */
	double outstanding;
} DevelopmentCohort;

typedef struct DevelopmentEstimate
{
	double ultimate;	   /* points redeemed in the end */
	double expected;	   /* of these, still to come */
	double standard_error; /* of the ultimate; NaN where there are too few cohorts to tell */
	double rate; /* ultimate / issued; this and its interval are NaN if nothing was issued */
	double lower;
	double upper;
} DevelopmentEstimate;

/*
 * Estimates each cohort and all of them together, whose error has what the cohorts
 * share. Cohorts may come in any order. The rates' intervals hold with a confidence
 * between 0 and 1, by the normal distribution, and are cut to what is possible; where
 * the error is unknown they are all that is possible.
 */
extern void develop_redemptions(const DevelopmentCohort *cohorts, int32 ncohorts, double confidence,
								DevelopmentEstimate *estimates, DevelopmentEstimate *total);

#endif
