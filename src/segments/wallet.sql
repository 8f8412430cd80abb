-- The share of what a customer spends on a category that is ours.

CREATE FUNCTION share_of_wallet(ours float8, total float8) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_share_of_wallet' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION share_of_wallet(float8, float8) IS
	'ours / total: the share, 0 to 1, of all that a customer, or many of them, spend on a category (with whomever) that they spend with us. Of many it is share_of_wallet(sum(ours), sum(total)). NULL where total is 0, and for NULL. An amount below 0, and ours above total, is error 22023, one that isn''t finite 22003.';

CREATE FUNCTION wallet_allocation(rank float8, brands int) RETURNS float8
	AS 'MODULE_PATHNAME', 'loyalty_wallet_allocation' LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION wallet_allocation(float8, int) IS
	'The share of wallet, 0 to 1, that a brand is likely to have with a customer who ranks it so among the brands that he buys (1: the best; brands that tie have the mean of their ranks): (1 - rank / (brands + 1)) x 2 / brands. The shares of all his brands add up to 1. NULL for NULL; a rank outside of 1 to brands, and brands below 1, is error 22023. Keiningham, T., Aksoy, L., Buoye, A. and Cooil, B. (2011): Customer loyalty isn''t enough. Grow your share of wallet. Harvard Business Review 89(10), 29-31.';
