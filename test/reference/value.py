#!/usr/bin/env python3
"""Writes value.sql: what models of purchases, spend and renewals say, to 40 digits.

Nothing here follows the C code: these are the formulas as they were published, by mpmath's gamma
and hypergeometric functions. Takes python3-mpmath.

    python3 test/reference/value.py > test/reference/value.sql
"""
from mpmath import mp, mpf, beta, diff, exp, findroot, hyp2f1, log, loggamma

mp.dps = 40

# kind, r, alpha, a, b, or r, alpha, s, beta: published ones, a + b below 1, a of 1, s of 1, many purchases, few of them
MODELS = [
    ("bgnbd", ".243", "4.414", ".793", "2.426"),
    ("mbgnbd", ".525", "6.183", ".891", "1.614"),
    ("bgnbd", "2.5", "30", ".2", ".3"),
    ("mbgnbd", ".05", ".4", ".15", ".6"),
    ("bgnbd", "1.5", "8", "1", "3"),
    ("mbgnbd", "7", "2", "4.5", "90"),
    ("bgnbd", "2", "10", "50", "10000"),
    ("mbgnbd", ".001", "5", "10000", ".01"),
    ("paretonbd", ".553", "10.578", ".606", "11.669"),
    ("paretonbd", "2.5", "30", "1", "3"),
    ("paretonbd", ".05", ".4", ".15", "600"),
    ("paretonbd", "7", "2", "45", "9000"),
    ("paretonbd", "9000", "10000", ".001", ".01"),
    ("paretonbd", ".001", ".001", "3", "1000"),
]
# x, t_x, age, horizon
CUSTOMERS = [
    ("0", "0", "0", "52"),
    ("0", "0", "0", "20000"),
    ("0", "0", "38.86", "39"),
    ("1", "5", "20", "4"),
    ("2", "30.43", "38.86", "39"),
    ("26", "38", "38.86", "1"),
    ("300", "700", "730", "365"),
    ("1000", "350", "364", "1000"),
    ("100000", "3640", "3650", "30"),
]


def log_ratio(z, n):
    return loggamma(z + n) - loggamma(z)


def pareto_alive(r, alpha, s, beta, x, t_x, age):
    """The published form, by the difference of two hypergeometric functions, 2F1(r + s + x, s + 1; r + s + x + 1; z), or
    with alpha and beta the other way round where that has z between 0 and 1; both after Euler's transformation."""
    def of(u):
        if alpha >= beta:
            z = (alpha - beta) / (alpha + u)
            return (alpha + u) ** -(r + s + x) * (1 - z) ** -s * hyp2f1(1, r + x, r + s + x + 1, z, maxterms=10**6)
        z = (beta - alpha) / (beta + u)
        return (beta + u) ** -(r + s + x) * (1 - z) ** (1 - r - x) * hyp2f1(1, s + 1, r + s + x + 1, z, maxterms=10**6)

    with mp.workdps(80):
        return 1 / (1 + s / (r + s + x) * (alpha + age) ** (r + x) * (beta + age) ** s * (of(t_x) - of(age)))


def pareto_expected_alive(r, alpha, s, beta, x, age, t):
    if s == 1:
        return (r + x) * (beta + age) / (alpha + age) * log((beta + age + t) / (beta + age))
    return (r + x) * (beta + age) / ((alpha + age) * (s - 1)) * (1 - ((beta + age) / (beta + age + t)) ** (s - 1))


def pareto_probability_alive(r, alpha, s, beta, x, age, t, n):
    """Fader and Hardie 2014: all who leave after n purchases, less those who leave after t."""
    r, alpha, beta = r + x, alpha + age, beta + age

    def part(i, t):
        return exp(loggamma(r + s + i) - loggamma(r) - loggamma(s) + r * log(alpha) + s * log(beta) - (r + s + i) * log(alpha + t)
                   + loggamma(s + 1) + loggamma(r + n) - loggamma(r + s + n + 1)) * hyp2f1(r + s + i, s + 1, r + s + n + 1, (alpha - beta) / (alpha + t), maxterms=10**6)

    with mp.workdps(200):
        stays = exp(log_ratio(r, n) - loggamma(n + 1) + r * log(alpha / (alpha + t)) + n * log(t / (alpha + t)) + s * log(beta / (beta + t)))
        return stays + part(0, mpf(0)) - sum(t ** i * exp(-loggamma(i + 1)) * part(i, t) for i in range(n + 1))


def alive(kind, r, alpha, a, b, x, t_x, age):
    if kind == "paretonbd":
        return pareto_alive(r, alpha, a, b, x, t_x, age)
    gone_by = b + x - (kind == "bgnbd")
    if kind == "bgnbd" and x == 0:
        return mpf(1)
    return 1 / (1 + a / gone_by * ((alpha + age) / (alpha + t_x)) ** (r + x))


def expected_alive(kind, r, alpha, a, b, x, age, t):
    """Over the rate and the probability of staying: a customer who buys at rate l and stays with
    probability 1 - p has (1 - exp(-l p t)) / p purchases; the published form by 2F1 is this
    integrated. At a = 1 it is a limit, which is taken close by."""
    if kind == "paretonbd":
        return pareto_expected_alive(r, alpha, a, b, x, age, t)
    b = b + x + (kind == "mbgnbd")
    r, alpha = r + x, alpha + age
    if a == 1:
        a += mpf(10) ** -35
    with mp.workdps(80):
        return (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t)))


def probability_alive(kind, r, alpha, a, b, x, age, t, n):
    if kind == "paretonbd":
        return pareto_probability_alive(r, alpha, a, b, x, age, t, n)
    b = b + x + (kind == "mbgnbd")
    r, alpha = r + x, alpha + age

    def negative_binomial(k):
        return exp(log_ratio(r, k) - loggamma(k + 1) + r * log(alpha / (alpha + t)) + k * log(t / (alpha + t)))

    with mp.workdps(400):
        here = exp(loggamma(a + b) - loggamma(b) + loggamma(b + n) - loggamma(a + b + n)) * negative_binomial(n)
        if n == 0:
            return here
        left = 1 - sum(negative_binomial(k) for k in range(n))
        return here + exp(loggamma(a + 1) + loggamma(b + n - 1) - loggamma(a + b + n) - loggamma(a) - loggamma(b) + loggamma(a + b)) * left


def row(*fields):
    return "(" + ", ".join("'%s'" % f if isinstance(f, str) and not f.replace(".", "").isdigit() else str(f) for f in fields) + ")"


def table(name, columns, rows):
    print("CREATE TABLE %s (%s);\nINSERT INTO %s VALUES" % (name, columns, name))
    print("\t" + ",\n\t".join(rows) + ";")


def number(value):
    return mp.nstr(value, 25, min_fixed=0, max_fixed=0)


print("-- Made by value.py, by mpmath with 40 digits; \\ir.")
rows = []
for kind, *written in MODELS:
    p = [mpf(w) for w in written]
    for x, t_x, age, t in CUSTOMERS:
        here = alive(kind, *p, int(x), mpf(t_x), mpf(age))
        rows.append(row(kind, *written, x, t_x, age, t, number(here), number(here * expected_alive(kind, *p, int(x), mpf(age), mpf(t)))))
table("computed_purchases", "kind text, r float8, alpha float8, a float8, b float8, x bigint, t_x float8, age float8, horizon float8, alive float8, expected float8", rows)
rows = []
for kind, *written in MODELS:
    p = [mpf(w) for w in written]
    for x, t_x, age, t in CUSTOMERS[2:7]:
        for n in (0, 1, 2, 10, 100) if kind != "paretonbd" or x == "2" else (0, 1, 10):  # which take long
            here = alive(kind, *p, int(x), mpf(t_x), mpf(age))
            value = here * probability_alive(kind, *p, int(x), mpf(age), mpf(t), n) + (1 - here if n == 0 else 0)
            if value > mpf(10) ** -300:  # what a float can hold
                rows.append(row(kind, *written, x, t_x, age, t, str(n), number(value)))
table("computed_probability", "kind text, r float8, alpha float8, a float8, b float8, x bigint, t_x float8, age float8, horizon float8, n bigint, probability float8", rows)


def gamma_gamma_log_likelihood(p, q, g, x, m):
    return loggamma(p * x + q) - loggamma(p * x) - loggamma(q) + q * log(g) + (p * x - 1) * log(m) + p * x * log(x) - (p * x + q) * log(x * m + g)


rows = []
for a, b in ((".668", "3.806"), (".704", "1.182"), ("2.5", "9"), ("1.01", ".02")):
    for k in (0, 1, 4, 100, 10000):
        for d in (".1", ".005", ".000001"):
            z = 1 / (1 + mpf(d))
            first = (mpf(b) + k) / (mpf(a) + mpf(b) + k)
            rows.append(row(a, b, str(k), d, number(beta(mpf(a), mpf(b) + k) / beta(mpf(a), mpf(b))), number(first),
                            number(first * hyp2f1(1, mpf(b) + k + 1, mpf(a) + mpf(b) + k + 1, z))))
table("computed_renewals", "a float8, b float8, k bigint, discount float8, survival float8, retention float8, lifetime float8", rows)

# the top of a likelihood, by Newton's method on its numeric derivatives
SPEND = [(1, "4.5"), (1, "140"), (1, "22"), (1, "75"), (1, "9"), (2, "12.25"), (2, "61"), (3, "22"), (5, "31.4"), (8, "24.75"), (6, "45"), (2, "19.9"), (12, "27.3"), (4, "19.6"), (15, "55"), (9, "38"), (7, "21.1"), (3, "60")]


def of_all(*parameters):
    return sum(gamma_gamma_log_likelihood(*parameters, x, mpf(m)) for x, m in SPEND)


top = findroot(lambda *at: [diff(of_all, at, tuple(int(i == j) for i in range(3))) for j in range(3)], (mpf("1.10784"), mpf("28.3966"), mpf("892.677")), tol=mpf(10) ** -20)
table("spend", "x bigint, m float8", [row(str(x), m) for x, m in SPEND])
table("computed_spend", "p float8, q float8, g float8, log_likelihood float8", [row(*[number(v) for v in top], number(of_all(*top)))])
