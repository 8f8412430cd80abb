/*
 * activity_base.h
 *		Everyone's activity sets, by customer.
 */
#ifndef LOYALTY_ACTIVITY_BASE_H
#define LOYALTY_ACTIVITY_BASE_H

#include "collect/collect.h"

/* Rows are days (DateADT), or ACTIVITY_NO_DAY for a member without events. */
extern const CollectOps activity_collect_ops;

#define ACTIVITY_OPS_ID 1

#endif
