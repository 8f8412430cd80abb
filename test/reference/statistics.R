# What R makes of the samples that test/voice.sql, test/effect.sql and test/delayed_entry.sql have, as statistics.sql beside
# this: a row for each figure, with all its digits. The tests read that; R is only needed to write it
# anew:
#
#	Rscript test/reference/statistics.R >test/reference/statistics.sql
#
# By functions of R's own packages, and by formulas that are written here from the literature, in
# other forms than in the C where that is possible.

options(digits = 22)
out <- function(case, ...) {
	figures <- list(...)
	for (name in names(figures)) {
		value <- figures[[name]]
		cat(case, ",", name, ",", if (is.na(value)) "" else sprintf("%.17g", value), "\n", sep = "")
	}
}
cat("-- What statistics.R has written; the table statistic.\n")
cat("CREATE TABLE statistic (sample text, figure text, value float8);\n")
cat("COPY statistic FROM stdin WITH (FORMAT csv);\n")

# ---- Student's t ----

# Two groups of m values with variance 1, whose means are d apart: t is d sqrt(m / 2).
for (m in c(2, 3, 6, 13, 51, 500, 502, 700, 50001, 5000001, 500000001)) {
	df <- 2 * (m - 1)
	for (confidence in c(0.01, 0.3, 0.5, 0.8, 0.95, 0.99, 0.999999))
		out(sprintf("balanced:%d:0:%g", m, confidence), upper = qt((1 - confidence) / 2, df, lower.tail = FALSE) * sqrt(2 / m))
	for (t in c(1e-3, 0.1, 1, 1.7, 1.8, 2, 5, 9, 12, 15, 37)) {
		d <- round(t / sqrt(m / 2), 9)
		out(sprintf("balanced:%d:%.9f:0.95", m, d), statistic = d * sqrt(m / 2), p = 2 * pt(d * sqrt(m / 2), df, lower.tail = FALSE))
	}
}

# ---- surveys ----

wilson <- function(x, n, confidence) as.numeric(suppressWarnings(prop.test(x, n, conf.level = confidence, correct = FALSE))$conf.int)
shares <- function(case, x, n, confidence) {
	ci <- wilson(x, n, confidence)
	out(case, share = x / n, lower = ci[1], upper = ci[2])
}
means <- function(case, scores, first, last, confidence) {
	ci <- if (length(scores) > 1 && sd(scores) > 0) as.numeric(t.test(scores, conf.level = confidence)$conf.int) else c(mean(scores), mean(scores))
	out(case, mean = mean(scores), mean_lower = max(ci[1], first), mean_upper = min(ci[2], last))
}
# As the tests make them: how many gave each score.
spread <- function(counts, first) rep(seq(first, length.out = length(counts)), counts)
adjusted <- function(scores) {
	n <- length(scores) + 3
	p <- (sum(scores >= 9) + 3 / 4) / n
	d <- (sum(scores <= 6) + 3 / 4) / n
	c(p - d, (p + d - (p - d)^2) / n)
}
nps <- list(
	reference = c(0, 0, 0, 20, 0, 0, 0, 0, 30, 25, 25), promoters = c(rep(0, 10), 10), detractors = c(7, rep(0, 10)), one = c(rep(0, 8), 1, 0, 0),
	mixed = c(3, 1, 0, 2, 5, 8, 9, 21, 34, 40, 55), many = c(12, 3, 9, 27, 81, 243, 729, 2187, 6561, 5000, 4000) * 1000)
for (name in names(nps)) {
	scores <- spread(nps[[name]], 0)
	for (confidence in c(0.8, 0.95, 0.999)) {
		a <- adjusted(scores)
		half <- qnorm((1 + confidence) / 2) * sqrt(a[2])
		out(sprintf("nps:%s:%g", name, confidence), score = 100 * (mean(scores >= 9) - mean(scores <= 6)), lower = 100 * max(a[1] - half, -1), upper = 100 * min(a[1] + half, 1))
	}
	for (other in names(nps)) {
		a <- adjusted(scores)
		b <- adjusted(spread(nps[[other]], 0))
		d <- a[1] - b[1]
		se <- sqrt(a[2] + b[2])
		half <- qnorm(0.975) * se
		out(sprintf("nps:%s:%s", name, other), lower = 100 * max(d - half, -2), upper = 100 * min(d + half, 2), z = d / se, p = 2 * pnorm(abs(d / se), lower.tail = FALSE))
	}
}
csat <- list(usual = c(3, 5, 12, 30, 20), all = c(0, 0, 0, 0, 9), none = c(4, 2, 0, 0, 0), one = c(0, 0, 0, 1, 0), many = c(100, 200, 300, 40000, 50000))
for (name in names(csat)) {
	scores <- spread(csat[[name]], 1)
	for (confidence in c(0.8, 0.95, 0.999)) {
		shares(sprintf("csat:%s:%g", name, confidence), sum(scores >= 4), length(scores), confidence)
		if (length(scores) > 1) means(sprintf("csat:%s:%g", name, confidence), scores, 1, 5, confidence)
	}
}
ces <- list(usual = c(3, 5, 12, 30, 20, 41, 17), polar = c(1, 0, 0, 0, 0, 0, 2), many = c(100, 200, 300, 40000, 50000, 7, 0))
for (name in names(ces)) {
	scores <- spread(ces[[name]], 1)
	for (confidence in c(0.8, 0.95, 0.999)) {
		shares(sprintf("ces:%s:%g", name, confidence), sum(scores >= 5), length(scores), confidence)
		means(sprintf("ces:%s:%g", name, confidence), scores, 1, 7, confidence)
	}
}

# ---- rates ----

# Newcombe's and MOVER-R's intervals, from Wilson's.
rates <- function(case, a, n1, c, n0, confidence) {
	p1 <- a / n1
	p0 <- c / n0
	w1 <- wilson(a, n1, confidence)
	w0 <- wilson(c, n0, confidence)
	d <- p1 - p0
	pooled <- (a + c) / (n1 + n0)
	z <- d / sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n0))
	# the same by R's chi-squared, where there is one
	if (pooled > 0 && pooled < 1) stopifnot(abs(suppressWarnings(prop.test(c(a, c), c(n1, n0), correct = FALSE))$statistic - z^2) <= 1e-9 * max(1, z^2))
	lower <- NA
	upper <- NA
	if (p0 > 0) {
		lower <- (p1 * p0 - sqrt(max(0, (p1 * p0)^2 - w1[1] * w0[2] * (2 * p1 - w1[1]) * (2 * p0 - w0[2])))) / (w0[2] * (2 * p0 - w0[2])) - 1
		upper <- (p1 * p0 + sqrt(max(0, (p1 * p0)^2 - w1[2] * w0[1] * (2 * p1 - w1[2]) * (2 * p0 - w0[1])))) / (w0[1] * (2 * p0 - w0[1])) - 1
	}
	out(case, treated_mean = p1, control_mean = p0, difference = d, lower = d - sqrt((p1 - w1[1])^2 + (w0[2] - p0)^2), upper = d + sqrt((w1[2] - p1)^2 + (p0 - w0[1])^2),
		relative_lift = if (p0 > 0) p1 / p0 - 1 else NA, relative_lower = lower, relative_upper = upper, statistic = z, p = 2 * pnorm(abs(z), lower.tail = FALSE))
}
tables <- list(c(56, 70, 48, 80), c(9, 10, 3, 10), c(10, 10, 0, 20), c(0, 10, 0, 20), c(5, 5, 6, 6), c(0, 40, 7, 35), c(3, 40, 0, 35), c(1203, 50000, 1100, 50000), c(1, 1, 0, 1), c(2100000, 40000000, 2090000, 40000000), c(3, 900, 5, 100))
for (t in tables) for (confidence in c(0.8, 0.95, 0.999))
	rates(sprintf("rates:%d/%d:%d/%d:%g", t[1], t[2], t[3], t[4], confidence), t[1], t[2], t[3], t[4], confidence)

# Strata: treated converted, treated, control converted, control.
by_stratum <- function(case, t, confidence) {
	a <- t[, 1]; n1 <- t[, 2]; c <- t[, 3]; n0 <- t[, 4]
	t <- t[n1 > 0 & n0 > 0, , drop = FALSE]
	a <- t[, 1]; n1 <- t[, 2]; c <- t[, 3]; n0 <- t[, 4]
	n <- n1 + n0
	w <- n1 * n0 / n
	d <- sum(w * (a / n1 - c / n0)) / sum(w)
	# Sato's variance
	P <- sum((n1^2 * c - n0^2 * a + n1 * n0 * (n0 - n1) / 2) / n^2)
	Q <- sum((a * (n0 - c) / n + c * (n1 - a) / n) / 2)
	half <- qnorm((1 + confidence) / 2) * sqrt((d * P + Q) / sum(w)^2)
	# Mantel and Haenszel's chi-squared
	cells <- array(rbind(a, n1 - a, c, n0 - c), c(2, 2, length(a)))
	chi <- if (length(a) > 1) as.numeric(mantelhaen.test(cells, correct = FALSE)$statistic) else sum((a * n0 - c * n1) / n)^2 / sum(n1 * n0 * (a + c) * (n - a - c) / (n^2 * (n - 1)))
	z <- sign(d) * sqrt(chi)
	R <- sum(a * n0 / n)
	S <- sum(c * n1 / n)
	log_half <- qnorm((1 + confidence) / 2) * sqrt(sum(((a + c) * n1 * n0 - a * c * n) / n^2) / (R * S))
	out(case, treated_mean = R / sum(w), control_mean = S / sum(w), difference = d, lower = max(d - half, -1), upper = min(d + half, 1),
		relative_lift = R / S - 1, relative_lower = R / S * exp(-log_half) - 1, relative_upper = R / S * exp(log_half) - 1, statistic = z, p = 2 * pnorm(abs(z), lower.tail = FALSE))
}
strata <- list(
	two = rbind(c(8, 20, 4, 22), c(30, 60, 25, 70)),
	simpson = rbind(c(81, 87, 234, 270), c(192, 263, 55, 80)),
	uneven = rbind(c(8, 20, 4, 22), c(30, 60, 25, 70), c(5, 9, 0, 0), c(1, 2, 1, 1), c(3000, 40000, 2500, 41000)),
	sparse = rbind(c(1, 1, 0, 1), c(0, 1, 0, 2), c(1, 1, 1, 1), c(1, 2, 0, 1), c(0, 1, 1, 1)))
for (name in names(strata)) for (confidence in c(0.8, 0.95, 0.999))
	by_stratum(sprintf("strata:%s:%g", name, confidence), strata[[name]], confidence)

# ---- means ----

# Values that SQL makes just so: x is i's turn, of a long cycle.
turn <- function(i, m, k) (i * i * 7 + i * 13) %% m / k
groups <- list(
	small = list(c(12.5, 0, 3, 8.25, 40, 7), c(1, 0, 0, 5.5, 2)),
	unequal = list(turn(1:40, 97, 4), turn(1:300, 31, 2)),
	large = list(1e9 + turn(1:500, 101, 4), 1e9 + turn(1:400, 89, 4)),
	constant = list(c(5, 5, 5), c(1, 2, 3, 4)),
	negative = list(turn(1:50, 97, 4) - 30, turn(1:60, 97, 4) - 40),
	zeros = list(c(0, 0, 0, 10, 0), c(0, 0, 0, 0, 0, 0, 2)))
# d is m1 - m0
fieller <- function(d, m1, v1, m0, v0, t) {
	g <- t^2 * v0 / m0^2
	if (!(m0 > 0) || g >= 1) return(c(NA, NA))
	half <- t / m0 * sqrt(v1 * (1 - g) + (m1 / m0)^2 * v0)
	(d / m0 + g + c(-half, half)) / (1 - g)
}
for (name in names(groups)) for (confidence in c(0.8, 0.95, 0.999)) {
	# large ones are moved: doubles don't hold their squares
	move <- if (name == "large") 1e9 else 0
	x <- groups[[name]][[1]] - move
	y <- groups[[name]][[2]] - move
	test <- t.test(x, y, conf.level = confidence)
	df <- as.numeric(test$parameter)
	d <- mean(x) - mean(y)
	m0 <- mean(y) + move
	lift <- fieller(d, m0 + d, var(x) / length(x), m0, var(y) / length(y), qt((1 - confidence) / 2, df, lower.tail = FALSE))
	out(sprintf("means:%s:%g", name, confidence), treated_mean = mean(x) + move, control_mean = m0, difference = d, lower = test$conf.int[1], upper = test$conf.int[2],
		relative_lift = if (m0 > 0) d / m0 else NA, relative_lower = lift[1], relative_upper = lift[2], statistic = as.numeric(test$statistic), degrees_of_freedom = df, p = test$p.value)
}
# All groups but those that have a mean of 1e9, as strata.
for (confidence in c(0.8, 0.95, 0.999)) {
	used <- groups[c("small", "unequal", "constant", "zeros")]
	n1 <- sapply(used, function(g) length(g[[1]])); n0 <- sapply(used, function(g) length(g[[2]]))
	m1 <- sapply(used, function(g) mean(g[[1]])); m0 <- sapply(used, function(g) mean(g[[2]]))
	v1 <- sapply(used, function(g) var(g[[1]]) / length(g[[1]])); v0 <- sapply(used, function(g) var(g[[2]]) / length(g[[2]]))
	w <- n1 * n0 / (n1 + n0)
	W <- sum(w)
	d <- sum(w * (m1 - m0)) / W
	parts <- c((w / W)^2 * v1, (w / W)^2 * v0)
	df <- sum(parts)^2 / sum(parts^2 / c(n1 - 1, n0 - 1))
	t <- qt((1 + confidence) / 2, df)
	M1 <- sum(w * m1) / W; M0 <- sum(w * m0) / W
	lift <- fieller(d, M1, sum((w / W)^2 * v1), M0, sum((w / W)^2 * v0), t)
	out(sprintf("means:by stratum:%g", confidence), treated_mean = M1, control_mean = M0, difference = d, lower = d - t * sqrt(sum(parts)), upper = d + t * sqrt(sum(parts)),
		relative_lift = M1 / M0 - 1, relative_lower = lift[1], relative_upper = lift[2], statistic = d / sqrt(sum(parts)), degrees_of_freedom = df, p = 2 * pt(abs(d) / sqrt(sum(parts)), df, lower.tail = FALSE))
}

# ---- adjusted by what was before ----

pairs <- list(
	usual = list(y1 = turn(1:80, 97, 4) + turn(1:80, 53, 2) * 0.5 + 2, x1 = turn(1:80, 53, 2), y0 = turn(1:120, 89, 4) + turn(1:120, 53, 2) * 0.5, x0 = turn(1:120, 53, 2)),
	exact = list(y1 = 3 * turn(1:30, 53, 2) + 1, x1 = turn(1:30, 53, 2), y0 = 3 * turn(1:41, 53, 2), x0 = turn(1:41, 53, 2)),
	useless = list(y1 = turn(1:30, 97, 4), x1 = rep(7, 30), y0 = turn(1:41, 89, 4), x0 = rep(7, 41)),
	large = list(y1 = 1e8 + turn(1:80, 97, 4), x1 = 1e8 + turn(1:80, 97, 2), y0 = 1e8 + turn(1:120, 97, 4), x0 = 1e8 + turn(1:120, 97, 2) + turn(1:120, 5, 1)))
for (name in names(pairs)) for (confidence in c(0.8, 0.95, 0.999)) {
	p <- pairs[[name]]
	y <- c(p$y1, p$y0)
	# large ones are moved before they are squared
	move_y <- if (name == "large") 1e8 else 0
	x1 <- p$x1 - move_y; x0 <- p$x0 - move_y; y1 <- p$y1 - move_y; y0 <- p$y0 - move_y
	sxx <- sum((x1 - mean(x1))^2) + sum((x0 - mean(x0))^2)
	theta <- if (sxx > 0) (sum((x1 - mean(x1)) * (y1 - mean(y1))) + sum((x0 - mean(x0)) * (y0 - mean(y0)))) / sxx else 0
	all <- mean(c(x1, x0))
	a1 <- y1 - theta * (x1 - all)
	a0 <- y0 - theta * (x0 - all)
	treated <- c(rep(1, length(y1)), rep(0, length(y0)))
	# the analysis of covariance has the same difference
	if (sxx > 0) stopifnot(abs(coef(lm(c(y1, y0) ~ treated + c(x1, x0)))["treated"] - (mean(a1) - mean(a0))) < 1e-9)
	plain <- t.test(y1, y0, conf.level = confidence)
	figures <- list(theta = theta, unadjusted_difference = mean(y1) - mean(y0), unadjusted_lower = plain$conf.int[1], unadjusted_upper = plain$conf.int[2], difference = mean(a1) - mean(a0),
		treated_mean = mean(a1) + move_y, control_mean = mean(a0) + move_y)
	if (name != "exact") {
		test <- t.test(a1, a0, conf.level = confidence)
		figures <- c(figures, list(lower = test$conf.int[1], upper = test$conf.int[2], statistic = as.numeric(test$statistic), degrees_of_freedom = as.numeric(test$parameter), p = test$p.value,
			variance_reduction = 1 - (var(a1) / length(a1) + var(a0) / length(a0)) / (var(y1) / length(y1) + var(y0) / length(y0))))
	}
	do.call(out, c(list(sprintf("adjusted:%s:%g", name, confidence)), figures))
}

# ---- the split, and samples ----

for (s in list(c(5000, 5000, 0.5), c(5100, 4900, 0.5), c(821588, 815482, 0.5), c(90, 10, 0.9), c(960, 40, 0.95), c(0, 7, 0.5)))
	out(sprintf("split:%d:%d:%g", s[1], s[2], s[3]), split_chi_squared = as.numeric(suppressWarnings(chisq.test(s[1:2], p = c(s[3], 1 - s[3])))$statistic),
		split_p = suppressWarnings(chisq.test(s[1:2], p = c(s[3], 1 - s[3])))$p.value)
for (base in c(0.02, 0.1, 0.5)) for (lift in c(-0.3, 0.05, 0.5)) for (power in c(0.8, 0.95)) for (confidence in c(0.9, 0.95))
	out(sprintf("sample:%g:%g:%g:%g", base, lift, power, confidence),
		per_group = power.prop.test(p1 = base, p2 = base * (1 + lift), sig.level = 1 - confidence, power = power, tol = 1e-14)$n)

# ---- durations that are observed from later on, and what they end by ----

suppressMessages(library(survival))
i <- 1:90
duration <- 2 + (i * 37) %% 61
event <- i %% 4 > 0
entry <- ifelse(i %% 3 == 0, 0, (i * 17) %% duration)
segment <- c("a", "b", "c")[1 + (i * i) %% 3 + (i %% 5 == 0)]
cause <- ifelse(event, c("moved", "price", "service")[1 + (i * 11) %% 5 %% 3], "none")
for (kind in c("log-log", "log", "plain")) {
	fit <- survfit(Surv(entry, duration, event) ~ 1, conf.type = kind, conf.int = 0.9)
	for (n in seq_along(fit$time)) if (fit$n.event[n] + fit$n.censor[n] > 0)
		out(sprintf("late:%s:%d", kind, fit$time[n]), at_risk = fit$n.risk[n], events = fit$n.event[n], survival = fit$surv[n], std_error = summary(fit, times = fit$time[n])$std.err,
			lower = fit$lower[n], upper = fit$upper[n])
	median <- quantile(fit, 0.5)
	out(sprintf("late median:%s", kind), median = as.numeric(median$quantile), lower = as.numeric(median$lower), upper = as.numeric(median$upper))
}
for (until in c(20, 40, 60)) {
	found <- summary(survfit(Surv(entry, duration, event) ~ 1), rmean = until)$table
	out(sprintf("late mean:%d", until), mean = as.numeric(found["rmean"]), std_error = as.numeric(found["se(rmean)"]))
}
# survdiff() takes no entries; the log-rank test is the score test of Cox's model, with its ties taken exactly
out("late logrank", chi_squared = coxph(Surv(entry, duration, event) ~ segment, ties = "exact")$score)
# where some enter late, survfit()'s error is an infinitesimal jackknife's, which isn't Greenwood's there
for (late in c(TRUE, FALSE)) for (kind in if (late) "log-log" else c("log-log", "log", "plain")) {
	from <- if (late) entry else 0 * entry
	fit <- survfit(Surv(from, duration, factor(cause, levels = c("none", "moved", "price", "service"))) ~ 1, id = i, conf.type = kind, conf.int = 0.9)
	for (n in seq_along(fit$time)) for (k in 2:4) if (fit$pstate[n, k] > 0 && fit$time[n] %% 5 == 0)
		if (late) out(sprintf("cause late:%s:%d", fit$states[k], fit$time[n]), incidence = fit$pstate[n, k])
		else out(sprintf("cause whole:%s:%s:%d", kind, fit$states[k], fit$time[n]), incidence = fit$pstate[n, k], std_error = fit$std.err[n, k], lower = fit$lower[n, k], upper = fit$upper[n, k])
}
cat("\\.\n")
