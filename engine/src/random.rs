//! A small seeded generator. Every random choice of a load is a pure function of the plan's
//! seed and the request's number, so a seed fixes the bytes whatever the server does.

/// SplitMix64 (Steele, Lea, Flood 2014): passes BigCrush, one multiply-xor chain per draw,
/// and any 64-bit state is a good one, so that seeding by request number needs no warm-up.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// The stream named by a seed and a number.
    pub fn of(seed: u64, stream: u64) -> Self {
        let mut mixed = Self(seed ^ 0x9e37_79b9_7f4a_7c15);
        let base = mixed.bits();
        Self(base ^ stream.wrapping_mul(0xd134_2543_de82_ef95))
    }

    /// 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias of the multiply-shift is below `bound / 2^64`.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in [0, 1).
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_stream_give_the_same_draws() {
        let draw = |seed, stream| {
            let mut random = Random::of(seed, stream);
            (0..8).map(|_| random.bits()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn draws_below_a_bound_are_even() {
        let mut counts = [0u32; 62];
        for stream in 0..62_000 {
            counts[Random::of(7, stream).below(62) as usize] += 1;
        }
        // 1,000 expected per cell; six standard deviations are 190.
        assert!(counts.iter().all(|&n| (810..1190).contains(&n)), "{counts:?}");
    }
}
