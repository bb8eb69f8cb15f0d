//! A directed acyclic graph over stable indices: order, priorities, and the nodes of a cycle when there is one.

use std::collections::VecDeque;

/// Edges of `len` nodes: `before[n]` lists what must come before `n`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    before: Vec<Vec<usize>>,
    after: Vec<Vec<usize>>,
}

impl Graph {
    /// A graph of `len` nodes without edges.
    pub(crate) fn new(len: usize) -> Self {
        Self { before: vec![Vec::new(); len], after: vec![Vec::new(); len] }
    }

    /// `first` must come before `second`; repeated edges count once, an edge to itself is left out.
    pub(crate) fn add(&mut self, first: usize, second: usize) {
        if first != second && !self.before[second].contains(&first) {
            self.before[second].push(first);
            self.after[first].push(second);
        }
    }

    /// What must come before `node`.
    pub(crate) fn before(&self, node: usize) -> &[usize] {
        &self.before[node]
    }

    /// What waits for `node`.
    pub(crate) fn after(&self, node: usize) -> &[usize] {
        &self.after[node]
    }

    /// An order in which every node comes after what it waits for.
    ///
    /// # Errors
    /// The nodes of one cycle, in order.
    pub(crate) fn order(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut open: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut ready: VecDeque<usize> = (0..open.len()).filter(|node| open[*node] == 0).collect();
        let mut order = Vec::with_capacity(open.len());
        while let Some(node) = ready.pop_front() {
            order.push(node);
            for next in &self.after[node] {
                open[*next] -= 1;
                if open[*next] == 0 {
                    ready.push_back(*next);
                }
            }
        }
        if order.len() == open.len() { Ok(order) } else { Err(self.cycle(&open)) }
    }

    /// Walks backwards inside the nodes that could not be ordered until one repeats.
    fn cycle(&self, open: &[usize]) -> Vec<usize> {
        let mut path: Vec<usize> = Vec::new();
        let mut node = open.iter().position(|count| *count > 0).unwrap_or_default();
        loop {
            if let Some(start) = path.iter().position(|seen| *seen == node) {
                let mut cycle = path.split_off(start);
                cycle.reverse();
                return cycle;
            }
            path.push(node);
            match self.before[node].iter().find(|previous| open[**previous] > 0) {
                Some(previous) => node = *previous,
                None => return path,
            }
        }
    }

    /// Length of the longest path from each node to an end, its own weight included. Over an `early` edge the next node
    /// starts after one unit of the first.
    pub(crate) fn remaining(&self, weights: &[u64], early: &[(usize, usize)]) -> Vec<u64> {
        let mut longest = weights.to_vec();
        for node in self.order().unwrap_or_default().into_iter().rev() {
            let path = |next: &usize| {
                let own = if early.contains(&(node, *next)) { weights[node].min(1) } else { weights[node] };
                own + longest[*next]
            };
            longest[node] = self.after[node].iter().map(path).max().unwrap_or(0).max(weights[node]);
        }
        longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cycle_is_named() {
        let mut graph = Graph::new(4);
        graph.add(0, 1);
        graph.add(1, 2);
        graph.add(2, 1);
        graph.add(2, 3);
        let cycle = graph.order().unwrap_err();
        assert_eq!(cycle.len(), 2);
        assert!(cycle.contains(&1) && cycle.contains(&2));
    }

    #[test]
    fn the_longest_path_counts() {
        let mut graph = Graph::new(4);
        graph.add(0, 1);
        graph.add(0, 2);
        graph.add(2, 3);
        assert_eq!(graph.remaining(&[1, 10, 2, 3], &[]), vec![11, 10, 5, 3]);
        assert_eq!(graph.remaining(&[9, 1, 2, 3], &[(0, 2)]), vec![10, 1, 5, 3]);
    }

    proptest! {
        #[test]
        fn every_node_comes_after_what_it_waits_for(edges in prop::collection::vec((0usize..20, 0usize..20), 0..80)) {
            let mut graph = Graph::new(20);
            for (a, b) in edges {
                graph.add(a.min(b), a.max(b));
            }
            let order = graph.order().unwrap();
            let position = |node: usize| order.iter().position(|n| *n == node).unwrap();
            for node in 0..20 {
                for before in graph.before(node) {
                    prop_assert!(position(*before) < position(node));
                }
            }
        }
    }
}
