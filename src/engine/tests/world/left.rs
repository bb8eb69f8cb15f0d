//! Leftovers of Kubernetes, resources of others in our VPC, resources that appear late, and those that AWS removes itself.

use super::*;
use crate::engine::{Scope, Whose};

/// A resource that appears after another one is deleted.
pub(crate) struct Late {
    /// Address of the other one.
    after: String,
    /// How long after that it appears.
    delay: Duration,
    object: Object,
}

/// The name of a query in the log.
pub(crate) fn query_name(query: &Query) -> &'static str {
    match query {
        Query::Ours(_) => "ours",
        Query::These(_) => "these",
        Query::Leftovers(_) => "left",
    }
}

impl Object {
    /// Whether it exists and is not being deleted.
    pub(crate) fn is_live(&self) -> bool {
        self.deleted.is_none() && !self.is_gone()
    }

    /// Whether a call of ours created it.
    pub(crate) fn is_ours(&self) -> bool {
        !self.foreign && !self.kind().facts().leftover
    }

    /// Whether destroy finds it in the scope, as a leftover.
    pub(crate) fn is_left_in(&self, scope: &Scope) -> bool {
        let text = self.spec.to_string();
        let is_leftover = self.kind().facts().leftover && !self.foreign && self.leaves.is_none();
        is_leftover && self.deleted.is_none() && (self.spec["vpc"].is_null() || scope.vpcs.iter().any(|vpc| text.contains(vpc)))
    }

    fn whose(&self) -> Whose {
        if self.foreign {
            Whose::Foreign
        } else if self.leaves.is_some() || self.kind().facts().leftover && self.deleted.is_some() {
            Whose::Leaving
        } else if self.kind().facts().leftover {
            Whose::Leftover(Box::new(self.observed()))
        } else {
            Whose::Ours
        }
    }
}

impl Inner {
    pub(crate) fn next_number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers - 1
    }

    /// A resource that no call of ours created.
    pub(crate) fn outside(&mut self, of: &str, spec: Value) -> Object {
        let address: Address = of.parse().unwrap();
        Object {
            id: format!("{}-x{:04}", address.kind(), self.next_number()),
            address,
            created_as: spec.clone(),
            spec,
            tags: BTreeMap::new(),
            version: 1,
            client_token: String::new(),
            created: Instant::now(),
            deleted: None,
            failed: None,
            stuck: false,
            vanished: false,
            foreign: false,
            leaves: None,
        }
    }

    /// Adds the resources that appear after the deletion of this one.
    pub(crate) fn come_after(&mut self, gone: &Object) {
        let after = gone.address.to_string();
        let (now, waiting) = std::mem::take(&mut self.late).into_iter().partition::<Vec<_>, _>(|late| late.after == after);
        self.late = waiting;
        let slow = gone.kind().facts().delete_seconds;
        let gone = if slow > 1 { seconds(slow) } else { Duration::ZERO };
        let stays = |late: &Late| {
            late.object.spec["vpc"].is_null() || self.objects.iter().any(|vpc| late.object.spec["vpc"] == *vpc.id && vpc.is_live())
        };
        let now: Vec<Late> = now.into_iter().filter(stays).collect();
        self.objects.extend(now.into_iter().map(|late| Object { created: Instant::now() + gone + late.delay, ..late.object }));
    }

    /// The blockers of a deletion, as AWS shows them.
    pub(crate) fn blockers(&self, item: &Item) -> Vec<Blocker> {
        let Some(held) = self.objects.iter().find(|object| object.id == item.id && !object.is_gone()) else { return Vec::new() };
        let holding = self.objects.iter().filter(|object| object.holds(held));
        let blocker = |object: &Object| Blocker {
            name: format!("{} {}", object.kind(), object.id),
            origin: if object.foreign { "of the database team".to_owned() } else { String::new() },
            whose: object.whose(),
        };
        holding.map(blocker).collect()
    }
}

/// What Kubernetes and other users do.
impl World {
    /// Kubernetes leaves it; returns its id.
    pub(crate) fn leave(&self, of: &str, spec: Value) -> String {
        let mut inner = self.inner.lock().unwrap();
        let object = inner.outside(of, spec);
        let id = object.id.clone();
        inner.objects.push(object);
        id
    }

    /// AWS removes it by itself after this many seconds.
    pub(crate) fn leave_for(&self, of: &str, spec: Value, stays: u32) {
        self.leave(of, spec);
        self.with(of, |object| object.leaves = Some(Instant::now() + seconds(stays)));
    }

    /// It appears this many seconds after another resource is gone.
    pub(crate) fn leave_after(&self, after: &str, delay: u32, of: &str, spec: Value) {
        let mut inner = self.inner.lock().unwrap();
        let object = inner.outside(of, spec);
        inner.late.push(Late { after: after.to_owned(), delay: seconds(delay), object });
    }

    /// AWS creates it again, without our tags, this many seconds after another resource is gone.
    pub(crate) fn rewrite_after(&self, after: &str, delay: u32, of: &str) {
        let old = self.with(of, |object| object.clone());
        let object = Object { tags: BTreeMap::new(), ..old };
        self.inner.lock().unwrap().late.push(Late { after: after.to_owned(), delay: seconds(delay), object });
    }

    /// Its owner deletes a resource of others.
    pub(crate) fn move_out(&self, of: &str) {
        self.inner.lock().unwrap().objects.retain(|object| object.address.to_string() != of || !object.foreign);
    }

    /// Leftovers that AWS does not remove by itself.
    pub(crate) fn leftovers(&self) -> Vec<Observed> {
        let inner = self.inner.lock().unwrap();
        let left = inner.objects.iter().filter(|object| object.is_live() && object.kind().facts().leftover && !object.foreign);
        left.filter(|object| object.leaves.is_none()).map(Object::observed).collect()
    }

    /// Leftovers that destroy finds in the scope.
    pub(crate) async fn left(&self, scope: &Scope) -> Result<Vec<Observed>, Failure> {
        let mut found = Vec::new();
        for kind in Kind::leftovers() {
            found.extend(self.observe(kind, Query::Leftovers(scope.clone())).await?);
        }
        Ok(found)
    }
}
