/*
 * value_internal.h
 *		How long customers stay and what they will buy: models of purchases, of spend and of
 *		renewals, what they are fitted to, and what they say about a customer.
 *
 * Times are numbers of a model's periods, fractions too. A customer is what is known of him: x
 * purchases after the first one, the last of them t_x after the first, and his age T, how long
 * the first one is ago.
 */
#ifndef LOYALTY_VALUE_INTERNAL_H
#define LOYALTY_VALUE_INTERNAL_H

#include "postgres.h"

#include <math.h>

#include "datatype/timestamp.h"
#include "fmgr.h"

#include "metric/metric.h"
#include "policy/policy.h"
#include "timeline/timeline.h"

/* ---- models ---- */

#define VALUE_MAX_PARAMETERS 4

typedef struct ValueKind
{
	const char *name; /* as in JSON: "bgnbd" */
	int nparameters;
	const char *const *parameters; /* their names */
	int scales;					   /* bits: those that have the unit of what was measured */
} ValueKind;

typedef enum ValuePeriod
{
	VALUE_NO_PERIOD, /* not known: times are numbers */
	VALUE_DAY,
	VALUE_WEEK,
	VALUE_MONTH,
	VALUE_QUARTER,
	VALUE_YEAR,
	VALUE_PERIODS
} ValuePeriod;

/* The names of periods, from VALUE_DAY on. */
extern const char *const value_period_names[VALUE_PERIODS - 1];

/* The period of a name that somebody gives; 22023 where it is none. */
extern ValuePeriod value_period_by_name(const char *name, size_t len);

/* That in argument n of a call; NULL is 22004. */
extern ValuePeriod value_period_argument(FunctionCallInfo fcinfo, int n);

#define VALUE_PERIOD_HINT \
	"Give what times are counted in: 'day', 'week', 'month', 'quarter' or 'year'."

/* A model has no dated versions: there is one, which has nothing. */
typedef struct ValueVersion
{
	DateADT from;
} ValueVersion;

typedef struct ValueModel
{
	const ValueKind *kinds; /* that its type may have */
	int nkinds;
	int kind; /* among these */
	ValuePeriod period;
	ZoneDays *zone; /* of the days that purchases were counted by; NULL: not known */
	double parameters[VALUE_MAX_PARAMETERS];

	/* Of a fit; customers is 0 where there was none. */
	int64 customers;
	double log_likelihood;
	int iterations;
	bool converged;
	bool on_edge[VALUE_MAX_PARAMETERS]; /* of the box; then it hasn't converged */
	bool has_covariance;
	double covariance[VALUE_MAX_PARAMETERS][VALUE_MAX_PARAMETERS];

	int nversions;
	ValueVersion *versions;
} ValueModel;

/* Numbers of kinds. */
typedef enum PurchaseKind
{
	PURCHASE_BGNBD,
	PURCHASE_MBGNBD,
	PURCHASE_PARETONBD,
	PURCHASE_KINDS
} PurchaseKind;

/* Their parameters, by number. */
typedef enum BgnbdParameter
{
	BGNBD_R,
	BGNBD_ALPHA,
	BGNBD_A,
	BGNBD_B
} BgnbdParameter;
typedef enum ParetoParameter
{
	PARETO_R,
	PARETO_ALPHA,
	PARETO_S,
	PARETO_BETA
} ParetoParameter;
typedef enum GammaParameter
{
	GAMMA_P,
	GAMMA_Q,
	GAMMA_G
} GammaParameter;
typedef enum SbgParameter
{
	SBG_A,
	SBG_B
} SbgParameter;

/* Parameters stand in this box, those of a scale after what they are the scale of was divided by
 * its largest value. */
#define VALUE_LEAST_PARAMETER 1e-4
#define VALUE_MOST_PARAMETER  1e4

/* ... and one of a scale in whatever unit, from 1 divided by it on. */
#define VALUE_MOST_SCALE	  1e20

extern const PolicyTable purchase_model_table;
extern const PolicyTable spend_model_table;
extern const PolicyTable renewal_model_table;

/* A model of a kind, with nothing else, to be filled; of one of the types above. */
extern ValueModel *value_model_create(const PolicyTable *table, int kind);

/* The model in argument n of a call, opened. NULL is error 22004. */
extern const ValueModel *value_model_argument(FunctionCallInfo fcinfo, int n,
											  const PolicyTable *table);

/* As a datum of its type. */
extern struct varlena *value_model_pack(const PolicyTable *table, const ValueModel *model);

/* What a fit returns: the model, or NULL. */
#define VALUE_RETURN_MODEL(table, fit)                        \
	do                                                        \
	{                                                         \
		const ValueModel *model = fit;                        \
                                                              \
		if (model == NULL)                                    \
			PG_RETURN_NULL();                                 \
		PG_RETURN_POINTER(value_model_pack(&(table), model)); \
	} while (0)

static inline const ValueKind *
value_kind(const ValueModel *model)
{
	return &model->kinds[model->kind];
}

/* The number of a model's periods that an interval is; 22023 where its period isn't known, and for
 * intervals below 0. A month is 365.25 / 12 days, where days are counted in months, or months in
 * days. */
extern double value_periods_of(const ValueModel *model, const Interval *interval);

/* The number of periods that so many days are; the period is known. */
extern double value_periods_of_days(ValuePeriod period, double days);

/* 22023 for a model that doesn't know its period. */
extern void value_check_period(const ValueModel *model);

/* 22023: from 0 to VALUE_MOST_HORIZON. */
extern void value_report_horizon(void) pg_attribute_noreturn();

/* ---- what models are fitted to ---- */

/* The most purchases, or periods, of a customer. */
#define VALUE_MAX_PURCHASES	   1000000

/* The largest time, and the largest amount; the least amount is 1 divided by it. */
#define VALUE_MOST_NUMBER	   1e15
#define VALUE_MOST_NUMBER_TEXT "1e15"

/* The farthest horizon, in periods, and in units of alpha and a customer's age together: series
 * become as long. */
#define VALUE_MOST_HORIZON	   100000

/* The least discount but 0. */
#define VALUE_LEAST_DISCOUNT   1e-9

/* Customers by (x, t_x, T), by (x, m), and by (periods, lost). The first has a parameter "period",
 * of value_period_names. Where timelines were summarised, both know the last day that counted, and
 * the zone of days; the first two parameters are the same in both. */
extern const TallyShape purchase_sample_shape;
extern const TallyShape spend_sample_shape;
extern const TallyShape renewal_sample_shape;

typedef enum SampleParameter
{
	SAMPLE_UNTIL,
	SAMPLE_ZONE,
	PURCHASE_SAMPLE_PERIOD
} SampleParameter;

/* Counts a customer; 22023 for what can't be: a t_x after T, or other than 0 without purchases,
 * numbers below 0; 22003 for NaN, infinity and too many purchases. */
extern void purchase_sample_add(Tally *tally, int64 x, double t_x, double age);
extern void purchase_sample_add_many(Tally *tally, int64 x, double t_x, double age,
									 int64 customers);
extern void spend_sample_add(Tally *tally, int64 x, double m);
extern void renewal_sample_add(Tally *tally, int64 periods, bool lost);

/* The same check, for customers that are scored. */
extern void value_check_customer(int64 x, double t_x, double age);
extern void value_check_spend(int64 x, double m);

/* Fits a model of that kind to all of a sample, in the current memory context. NULL where there is
 * nobody to fit it to. A WARNING where it has not converged, or where a parameter stands on the
 * edge of the box. */
extern ValueModel *purchase_fit(const Tally *sample, PurchaseKind kind);
extern ValueModel *spend_fit(const Tally *sample);
extern ValueModel *renewal_fit(const Tally *sample);

/* ---- a customer's purchases (value_walk.c) ---- */

/* A local day. */
typedef struct PurchaseDay
{
	DateADT day;
	int128 amount;	 /* what its values add up to, at the scale of the timeline */
	bool has_amount; /* false: none of its events has a value */
} PurchaseDay;

/* Walks a customer's purchase days, in their order. */
typedef struct PurchaseDays
{
	ZoneDays *zone;
	TimelineReader reader; /* reader.scale is that of the amounts */
	EventText room[DICTIONARY_ROOM];
	PurchaseDay held[2]; /* those that may not be over yet */
	int nheld;
} PurchaseDays;

/* The body of a timeline; the bytes stay where they are. */
extern void purchase_days_open(PurchaseDays *days, ByteSpan body, ZoneDays *zone);
extern bool purchase_days_next(PurchaseDays *days, PurchaseDay *day);
extern void purchase_days_close(PurchaseDays *days);

/* What a model is fitted to, in days: t_x is last - first, the age until - first. */
typedef struct PurchaseSummary
{
	int64 x;
	DateADT first;
	DateADT last;
	DateADT until;
	int128 amount;	 /* of the purchases after the first one, at that scale */
	bool has_amount; /* false: what one of them was worth isn't known */
	int scale;
} PurchaseSummary;

/* What counts up to the end of a day; false where there is no purchase. */
extern bool purchase_summarise(PurchaseSummary *summary, ByteSpan body, ZoneDays *zone,
							   DateADT until);

/* m: the mean value of the purchases after the first one, where it is known; without any, 0. */
extern double purchase_summary_mean(const PurchaseSummary *summary);

/* What he bought behind the calibration, up to a day. */
typedef struct PurchaseHoldout
{
	int64 purchases;
	int128 amount;
	bool has_amount; /* false: what one of them was worth isn't known */
	int scale;
} PurchaseHoldout;

/* False where there is no purchase by calibrate_until: he is no customer of the model. */
extern bool purchase_hold_out(PurchaseHoldout *holdout, ByteSpan body, ZoneDays *zone,
							  DateADT calibrate_until, DateADT until);

/* Refuses a calibration that ends after until (22023). */
extern void value_check_holdout(DateADT calibrate_until, DateADT until);

/* ---- everyone's (value_fold.c) ---- */

/* (base, until, period, zone) -> a purchase sample; and the period of its question. */
extern const Metric purchase_sample_metric;
extern ValuePeriod purchase_question_period(const MetricQuestion *question);

/* ---- the optimiser (value_optimise.c) ---- */

/*
 * What is made as large as possible: the mean log-likelihood of a customer at parameters, and its
 * gradient by the logarithms of the parameters.
 */
typedef struct ValueProblem ValueProblem;
struct ValueProblem
{
	int n; /* parameters */
	double (*evaluate)(ValueProblem *problem, const double *parameters, double *gradient);
	int nstarts;
	double (*starts)[VALUE_MAX_PARAMETERS];
	bool is_near; /* the first one is likely to lie near the top */
};

typedef struct ValueOptimum
{
	double parameters[VALUE_MAX_PARAMETERS];
	double value;
	int iterations;
	bool converged;
	bool on_edge[VALUE_MAX_PARAMETERS];
	bool any_on_edge;

	/* The inverse of the negative matrix of second derivatives by the logarithms; false where that
	 * has none. */
	bool has_inverse;
	double inverse[VALUE_MAX_PARAMETERS][VALUE_MAX_PARAMETERS];
} ValueOptimum;

extern void value_optimise(ValueProblem *problem, ValueOptimum *optimum);

/* ---- likelihoods ---- */

/* Customers who are the same to a model. Sorted by x. */
typedef struct PurchaseRow
{
	int64 x;
	double t_x;
	double age;
	double customers;
	int32 last; /* numbers of t_x and age among the times of its x */
	int32 now;
} PurchaseRow;

/* The times that occur, ascending, of each x by itself: what depends on them and x is computed once
 * for all customers. */
typedef struct PurchaseTimes
{
	double *times;
	int64 *ntimes; /* of each x that occurs */
	int64 most;	   /* of one x */
} PurchaseTimes;

typedef struct SpendRow
{
	int64 x;
	double m;
	double customers;
} SpendRow;

typedef struct RenewalRow
{
	int64 periods;
	double lost;
	double kept;
} RenewalRow;

/* beyond[k]: how many customers have more than k purchases (periods), up to the most that anyone
 * has. */
typedef struct ValueRows
{
	const void *rows;
	int64 nrows;
	const double *beyond;
	int64 nbeyond;
	double customers;
	PurchaseTimes times; /* of PurchaseRows */
} ValueRows;

/* The sum over all customers, and its gradient by the logarithms of the parameters. */
extern double bgnbd_log_likelihood(const ValueRows *rows, bool modified, const double *parameters,
								   double *gradient);

extern double pareto_log_likelihood(const ValueRows *rows, const double *parameters,
									double *gradient);
extern double gamma_gamma_log_likelihood(const ValueRows *rows, const double *parameters,
										 double *gradient);
extern double sbg_log_likelihood(const ValueRows *rows, const double *parameters, double *gradient);

/* ---- what a model says of a customer; arguments were checked ---- */

extern double purchase_p_alive(const ValueModel *model, int64 x, double t_x, double age);

/* Purchases within t from now on of one who is still there. */
extern double purchase_expected_alive(const ValueModel *model, int64 x, double age, double t);

/* Purchases within t from now on; and those of a new customer, after the first. */
extern double purchase_expected(const ValueModel *model, int64 x, double t_x, double age, double t);
extern double purchase_expected_new(const ValueModel *model, double t);

/* 22023 for one that is too far ahead of a customer of that age. */
extern void value_check_horizon(const ValueModel *model, double horizon, double age);

/* The horizon in argument n of a call, in a model's periods: an interval, or a number of them; and
 * a discount rate by the period. False where it is NULL. */
extern bool value_horizon_argument(FunctionCallInfo fcinfo, int n, const ValueModel *model,
								   bool is_interval, double age, double *horizon);
extern bool value_discount_argument(FunctionCallInfo fcinfo, int n, double *discount);

/* ... and a number of purchases, which isn't NULL. */
extern int64 value_number_argument(FunctionCallInfo fcinfo, int n);

/* How likely there are exactly n within t from now on. */
extern double purchase_probability_of(const ValueModel *model, int64 x, double t_x, double age,
									  double t, int64 n);

/* The mean value of a customer's purchases; 22023 where the model has no mean for him. */
extern double spend_expected(const ValueModel *model, int64 x, double m);

/* What he will spend within the horizon, discounted by the period at whose end it comes. */
extern double value_of_customer(const ValueModel *model, const ValueModel *spend, int64 x,
								double t_x, double age, double m, double horizon, double discount);

extern double bgnbd_p_alive(const double *parameters, bool modified, int64 x, double t_x,
							double age);

/* Purchases within t of one who is alive; of a new customer x and age are 0. */
extern double bgnbd_expected_alive(const double *parameters, bool modified, int64 x, double age,
								   double t);
extern double bgnbd_probability_alive(const double *parameters, bool modified, int64 x, double age,
									  double t, int64 n);

extern double pareto_p_alive(const double *parameters, int64 x, double t_x, double age);
extern double pareto_expected_alive(const double *parameters, int64 x, double age, double t);
extern double pareto_probability_alive(const double *parameters, int64 x, double age, double t,
									   int64 n);

extern double sbg_survival(const double *parameters, double periods);
extern double sbg_retention(const double *parameters, double period);

/* Infinite where a is 1 or less and there is no discount. */
extern double sbg_lifetime(const double *parameters, double renewals, double discount);

/* ---- special functions (value_math.c) ---- */

/* The logarithm of a product of many factors, each above 0, which takes few logarithms. */
typedef struct LogProduct
{
	double product;
	double sum; /* of the logarithms of what isn't in it any more */
} LogProduct;

#define LOG_PRODUCT_ONE \
	{                   \
		.product = 1    \
	}

/* So many times are multiplied one by one. */
#define LOG_PRODUCT_TIMES 8

static inline void
log_product_multiply(LogProduct *product, double factor, double times)
{
	if (times > LOG_PRODUCT_TIMES || !(factor > 1e-20 && factor < 1e20))
	{
		product->sum += times * log(factor);
		return;
	}
	for (; times > 0; times--)
		product->product *= factor;
	if (product->product < 1e-140 || product->product > 1e140)
	{
		product->sum += log(product->product);
		product->product = 1;
	}
}

static inline double
log_product(const LogProduct *product)
{
	return product->sum + log(product->product);
}

/* ln Gamma(z + q) - ln Gamma(z), and psi(z + q) - psi(z), without loss of digits where z is large;
 * both above 0. */
extern double log_gamma_ratio(double z, double q);
extern double digamma(double z);
extern double digamma_difference(double z, double q);

/* 2F1(1, b; c; z) for c > b > 0 and 0 <= z < 1. */
extern double hypergeometric_one(double b, double c, double z);

/* How likely a negative binomial variable is n: of shape r, odds z = t / (alpha + t); and how
 * likely it is n or more. */
extern double negative_binomial(double r, double alpha, double t, int64 n);
extern double negative_binomial_tail(double r, double alpha, double t, int64 n);

#endif
