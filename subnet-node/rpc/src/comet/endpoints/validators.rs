//! Who votes, page by page.

use super::{foreseen, kept};
use crate::comet::json::{Int64, Validator, ValidatorsAnswer};
use crate::comet::parameters::Int;
use crate::comet::refusal::CometRejected;
use crate::error::RpcRejected;
use crate::node::Node;

/// Validators of a page unless a caller says otherwise, and at most. Source: CometBFT `rpc/core/env.go`.
const PER_PAGE: usize = 30;
const PER_PAGE_MAX: usize = 100;

/// `validators`: a page of the set that votes at a height, in the set's order.
pub fn validators(
    node: &Node,
    (height, page, per_page): (Option<Int>, Option<Int>, Option<Int>),
) -> Result<ValidatorsAnswer, RpcRejected> {
    let height = foreseen(node, height)?;
    let set = kept(node, height, node.comet.validators(height)?)?;
    let per_page = per_page_of(per_page);
    let skipped = (page_of(page, set.len().div_ceil(per_page))? - 1) * per_page;
    let validators: Vec<_> = set.with_addresses().skip(skipped).take(per_page).map(Validator::of).collect();
    Ok(ValidatorsAnswer {
        block_height: Int64(height.0),
        count: Int64(validators.len()),
        validators,
        total: Int64(set.len()),
    })
}

/// Less than one is as if left out, more than allowed as much as is allowed.
fn per_page_of(asked: Option<Int>) -> usize {
    match asked {
        Some(Int(asked)) if asked >= 1 => usize::try_from(asked).unwrap_or(usize::MAX).min(PER_PAGE_MAX),
        _ => PER_PAGE,
    }
}

fn page_of(asked: Option<Int>, pages: usize) -> Result<usize, CometRejected> {
    let Some(Int(page)) = asked else { return Ok(1) };
    let within = usize::try_from(page).ok().filter(|page| (1..=pages).contains(page));
    within.ok_or(CometRejected::Page { pages, page })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_holds_as_many_as_asked_for_within_bounds() {
        for (asked, per_page) in
            [(None, 30), (Some(-1), 30), (Some(0), 30), (Some(1), 1), (Some(100), 100), (Some(i64::MAX), 100)]
        {
            assert_eq!(per_page_of(asked.map(Int)), per_page, "{asked:?}");
        }
    }

    #[test]
    fn a_page_is_one_of_those_there_are() {
        for (asked, page) in [(None, Some(1)), (Some(1), Some(1)), (Some(3), Some(3)), (Some(4), None), (Some(0), None)]
        {
            assert_eq!(page_of(asked.map(Int), 3).ok(), page, "{asked:?}");
        }
        let refused = page_of(Some(Int(-7)), 3).unwrap_err().to_string();
        assert_eq!(refused, "page should be within [1, 3] range, given -7");
    }
}
