# What R makes of two triangles, as development.sql beside this: a row for each figure. The tests read that; R is only needed to
# write it anew:
#
#	Rscript test/reference/development.R >test/reference/development.sql
#
# Factors and their errors come from regressions (lm), the overdispersed Poisson model from glm, errors of what factors make from
# numerical derivatives, Mack's from his recursion of 1999, which goes forward from a cohort; and the bootstrap from R's own random
# numbers. The C goes backwards, by sums, and has no derivatives but those of the tail.

options(digits = 22)
out <- function(sample, ...) {
	figures <- list(...)
	for (name in names(figures)) {
		value <- figures[[name]]
		for (i in seq_along(value))
			cat(sample, ",", name, ",", if (length(value) > 1) i else "", ",", if (is.na(value[i])) "" else sprintf("%.17g", value[i]), "\n", sep = "")
	}
}
cat("-- What development.R has written; the table development.\n")
cat("CREATE TABLE development (sample text, figure text, n int, value float8);\n")
cat("COPY development FROM stdin WITH (FORMAT csv);\n")

triangle <- function(rows) {
	n <- length(rows)
	C <- matrix(NA, n, n)
	for (i in 1:n) C[i, seq_along(rows[[i]])] <- rows[[i]]
	C
}

# Taylor and Ashe (1983), as in Mack (1993)
taylor_ashe <- triangle(list(
	c(357848, 1124788, 1735330, 2218270, 2745596, 3319994, 3466336, 3606286, 3833515, 3901463),
	c(352118, 1236139, 2170033, 3353322, 3799067, 4120063, 4647867, 4914039, 5339085),
	c(290507, 1292306, 2218525, 3235179, 3985995, 4132918, 4628910, 4909315),
	c(310608, 1418858, 2195047, 3757447, 4029929, 4381982, 4588268),
	c(443160, 1136350, 2128333, 2897821, 3402672, 3873311),
	c(396132, 1333217, 2180715, 2985752, 3691712),
	c(440832, 1288463, 2419861, 3483130),
	c(359480, 1421128, 2864498),
	c(376686, 1363294),
	c(344014)))
# Wüthrich and Merz (2008), Stochastic claims reserving methods in insurance, chapter 2
wuthrich_merz <- triangle(list(
	c(5946975, 9668212, 10563929, 10771690, 10978394, 11040518, 11106331, 11121181, 11132310, 11148124),
	c(6346756, 9593162, 10316383, 10468180, 10536004, 10572608, 10625360, 10636546, 10648192),
	c(6269090, 9245313, 10092366, 10355134, 10507837, 10573282, 10626827, 10635751),
	c(5863015, 8546239, 9268771, 9459424, 9592399, 9680740, 9724068),
	c(5778885, 8524114, 9178009, 9451404, 9681692, 9786916),
	c(6184793, 9013132, 9585897, 9830796, 9935753),
	c(5600184, 8493391, 9056505, 9282022),
	c(5288066, 7728169, 8256211),
	c(5290793, 7648729),
	c(5675568)))
premium <- c(15473558, 14882436, 14456039, 14054917, 14525373, 15025923, 14832965, 14550359, 14461781, 15210363)

# ---- factors, by regression through the origin ----

ladder <- function(C) {
	n <- ncol(C)
	f <- se <- sigma2 <- numeric(n - 1)
	for (k in 1:(n - 1)) {
		from <- C[1:(n - k), k]
		to <- C[1:(n - k), k + 1]
		fit <- lm(to ~ from + 0, weights = 1 / from)
		f[k] <- coef(fit)
		if (n - k > 1) {
			sigma2[k] <- summary(fit)$sigma^2
			se[k] <- summary(fit)$coef[1, 2]
		} else {
			sigma2[k] <- min(sigma2[k - 1]^2 / sigma2[k - 2], sigma2[k - 2], sigma2[k - 1])
			se[k] <- sqrt(sigma2[k] / from)
		}
	}
	list(f = f, se = se, sigma2 = sigma2)
}
latest <- function(C) sapply(seq_len(nrow(C)), function(i) C[i, ncol(C) + 1 - i])
growth <- function(f) rev(cumprod(rev(c(f, 1))))
to_ultimate <- function(f) rev(growth(f)) # by cohort, the oldest first
# ... of those that were estimated, that is without the last one
extrapolated <- function(sigma2) {
	m <- length(sigma2) - 1
	min(sigma2[m]^2 / sigma2[m - 1], sigma2[m], sigma2[m - 1])
}

# ---- Mack, with a tail as one more step: forward recursions of 1999 ----

mack <- function(C, tail = 1, tail_se = 0) {
	n <- ncol(C)
	l <- ladder(C)
	f <- c(l$f, tail)
	se <- c(l$se, tail_se)
	sigma2 <- c(l$sigma2, if (tail == 1) 0 else extrapolated(l$sigma2))
	own <- numeric(n)
	cumulated <- 0
	here <- 0
	for (i in 1:n) {
		x <- latest(C)[i]
		v <- 0
		for (k in (n + 1 - i):n) {
			v <- v * f[k]^2 + x^2 * (sigma2[k] / x + se[k]^2)
			x <- x * f[k]
		}
		own[i] <- sqrt(v)
	}
	# all of them, age by age: cohort n + 1 - k enters at k
	at <- rep(0, n)
	v <- 0
	for (k in 1:n) {
		at[n + 1 - k] <- C[n + 1 - k, k]
		v <- v * f[k]^2 + sum(at * sigma2[k]) + sum(at)^2 * se[k]^2
		at <- at * f[k]
	}
	list(ultimate = latest(C) * to_ultimate(l$f) * tail, se = own, total = sqrt(v))
}

# ---- tails: a line through the logarithms ----

fitted_tail <- function(C, curve, last_age = NULL) {
	n <- ncol(C)
	f <- ladder(C)$f
	x <- 1:(n - 1)
	place <- if (curve == "exponential") identity else log
	use <- f > 1
	fit <- lm(log(f[use] - 1) ~ place(x[use]))
	ages <- n:(if (is.null(last_age)) n + 99 else last_age)
	product <- function(ab) prod(1 + exp(ab[1] + ab[2] * place(ages)))
	ab <- coef(fit)
	step <- 1e-6
	gradient <- sapply(1:2, function(j) {
		h <- replace(c(0, 0), j, step)
		(product(ab + h) - product(ab - h)) / (2 * step)
	})
	list(factor = product(ab), se = sqrt(drop(t(gradient) %*% vcov(fit) %*% gradient)))
}

# ---- with a prior rate: errors by numerical derivatives of what it makes of the factors ----

with_rate <- function(C, issued, rate, rate_se) {
	n <- ncol(C)
	l <- ladder(C)
	still <- function(f) rate * issued * (1 - 1 / to_ultimate(f))
	derivatives <- function(of) sapply(seq_along(l$f), function(k) {
		h <- l$f[k] * 1e-6
		(of(replace(l$f, k, l$f[k] + h)) - of(replace(l$f, k, l$f[k] - h))) / (2 * h)
	})
	# own chance of a cohort that has redeemed what the rate says: Mack's, forward
	process <- sapply(1:n, function(i) {
		x <- rate * issued[i] / to_ultimate(l$f)[i]
		v <- 0
		if (i > 1) for (k in (n + 1 - i):(n - 1)) {
			v <- v * l$f[k]^2 + x * l$sigma2[k]
			x <- x * l$f[k]
		}
		v
	})
	open <- issued * (1 - 1 / to_ultimate(l$f))
	each <- process + rowSums((derivatives(still) * rep(l$se, each = n))^2) + (open * rate_se)^2
	total <- sum(process) + sum((derivatives(function(f) sum(still(f))) * l$se)^2) + (sum(open) * rate_se)^2
	list(still = still(l$f), se = sqrt(each), total = sqrt(total))
}
cape_cod <- function(C, issued) {
	used <- issued / to_ultimate(ladder(C)$f)
	fit <- lm(latest(C) / used ~ 1, weights = used)
	list(rate = coef(fit)[[1]], se = summary(fit)$coef[1, 2])
}

# ---- the overdispersed Poisson model ----

increments <- function(C) cbind(C[, 1], t(apply(C, 1, diff)))
poisson_errors <- function(C) {
	n <- ncol(C)
	cells <- data.frame(y = as.vector(increments(C)), i = factor(rep(1:n, n)), k = factor(rep(1:n, each = n)))
	seen <- !is.na(cells$y)
	fit <- glm(y ~ i + k, family = quasipoisson, data = cells[seen, ], control = list(epsilon = 1e-12, maxit = 100))
	X <- model.matrix(~ i + k, cells[!seen, ])
	m <- exp(drop(X %*% coef(fit)))
	V <- X %*% vcov(fit) %*% t(X)
	phi <- summary(fit)$dispersion
	cohort <- as.integer(cells$i[!seen])
	error <- function(which) sqrt(phi * sum(m[which]) + drop(t(m[which]) %*% V[which, which, drop = FALSE] %*% m[which]))
	list(dispersion = phi, se = c(0, sapply(2:n, function(i) error(cohort == i))), total = error(rep(TRUE, length(m))))
}
boot <- function(C, replicates) {
	n <- ncol(C)
	f <- ladder(C)$f
	fitted <- matrix(NA, n, n)
	for (i in 1:n) {
		last <- n + 1 - i
		cumulative <- latest(C)[i] / rev(cumprod(c(1, rev(f[seq_len(last - 1)]))))
		fitted[i, 1:last] <- diff(c(0, cumulative))
	}
	seen <- !is.na(fitted)
	m <- fitted[seen]
	r <- (increments(C)[seen] - m) / sqrt(m)
	freedom <- length(m) - (2 * n - 1)
	phi <- sum(r^2) / freedom
	r <- r * sqrt(length(m) / freedom)
	t(replicate(replicates, {
		D <- matrix(NA, n, n)
		D[seen] <- m + sample(r, length(m), replace = TRUE) * sqrt(m)
		D <- t(apply(D, 1, cumsum))
		g <- sapply(1:(n - 1), function(k) sum(D[1:(n - k), k + 1]) / sum(D[1:(n - k), k]))
		expected <- latest(D) * (to_ultimate(g) - 1)
		sign(expected) * ifelse(expected == 0, 0, rgamma(n, pmax(abs(expected), 1e-300) / phi, scale = phi))
	}))
}

# ---- figures ----

l <- ladder(taylor_ashe)
out("taylor_ashe", factor = l$f, factor_error = l$se)
m <- mack(taylor_ashe)
out("taylor_ashe:mack", ultimate = m$ultimate, error = m$se, total = m$total)
m <- mack(taylor_ashe, 1.05, 0.02)
out("taylor_ashe:given", ultimate = m$ultimate, error = m$se, total = m$total)
for (curve in c("exponential", "inverse_power"))
	for (last_age in c(NA, 14)) {
		tail <- fitted_tail(taylor_ashe, curve, if (!is.na(last_age)) last_age)
		name <- sprintf("taylor_ashe:%s:%s", curve, if (is.na(last_age)) "" else last_age)
		m <- mack(taylor_ashe, tail$factor, tail$se)
		out(name, tail = tail$factor, tail_error = tail$se, ultimate = m$ultimate, error = m$se, total = m$total)
	}
p <- poisson_errors(taylor_ashe)
out("taylor_ashe:poisson", dispersion = p$dispersion, error = p$se, total = p$total)
set.seed(20240131)
b <- pmax(boot(taylor_ashe, 40000), 0) # nothing that was redeemed goes back
out("taylor_ashe:bootstrap", error = apply(b, 2, sd), total = sd(rowSums(b)),
	lower = apply(b, 2, quantile, 0.025), upper = apply(b, 2, quantile, 0.975), total_lower = quantile(rowSums(b), 0.025)[[1]], total_upper = quantile(rowSums(b), 0.975)[[1]])

m <- mack(wuthrich_merz)
out("wuthrich_merz:mack", ultimate = m$ultimate, error = m$se, total = m$total)
w <- with_rate(wuthrich_merz, premium, 0.75, 0)
out("wuthrich_merz:rate", still = w$still, error = w$se, total = w$total)
w <- with_rate(wuthrich_merz, premium, 0.75, 0.05)
out("wuthrich_merz:rate_error", still = w$still, error = w$se, total = w$total)
k <- cape_cod(wuthrich_merz, premium)
w <- with_rate(wuthrich_merz, premium, k$rate, k$se)
out("wuthrich_merz:cape_cod", rate = k$rate, rate_error = k$se, still = w$still, error = w$se, total = w$total)
cat("\\.\n")
