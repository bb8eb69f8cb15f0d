//! The operations of one kind as a table of functions, so that a kind that is known only at run time can be called.

use super::clients::Aws;
use super::contract::{Answer, Deletion, Resource, Typed};
use super::errors::unexpected;
use crate::engine::{Created, DeletionPolicy, Failure, Item, Observed, Query, Update};
use crate::resource::references;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// The operations of a kind; [`Resource`] describes each of them.
pub(super) struct Operations {
    pub(super) observe: for<'a> fn(&'a Aws, &'a Query) -> Answer<'a, Vec<Observed>>,
    pub(super) create: for<'a> fn(&'a Aws, &'a Item, &'a str) -> Answer<'a, Created>,
    pub(super) configure: for<'a> fn(&'a Aws, &'a Item) -> Answer<'a, ()>,
    pub(super) update: for<'a> fn(&'a Aws, &'a Update) -> Answer<'a, BTreeMap<String, String>>,
    pub(super) change_tags: for<'a> fn(&'a Aws, &'a Update) -> Answer<'a, ()>,
    pub(super) delete: for<'a> fn(&'a Aws, &'a Item, &'a DeletionPolicy) -> Answer<'a, ()>,
    pub(super) deletion: Deletion,
}

impl Operations {
    /// The operations that a kind implements.
    pub(super) const fn of<R: Resource>() -> Self {
        Self {
            observe: observe::<R>,
            create: create::<R>,
            configure: configure::<R>,
            update: update::<R>,
            change_tags: change_tags::<R>,
            delete: delete::<R>,
            deletion: R::DELETION,
        }
    }
}

fn observe<'a, R: Resource>(aws: &'a Aws, query: &'a Query) -> Answer<'a, Vec<Observed>> {
    Box::pin(R::observe(aws, query))
}

fn create<'a, R: Resource>(aws: &'a Aws, item: &'a Item, token: &'a str) -> Answer<'a, Created> {
    Box::pin(async move { R::create(aws, &typed::<R::Spec>(item)?, token).await })
}

fn configure<'a, R: Resource>(aws: &'a Aws, item: &'a Item) -> Answer<'a, ()> {
    Box::pin(async move { R::configure(aws, &typed::<R::Spec>(item)?).await })
}

fn update<'a, R: Resource>(aws: &'a Aws, update: &'a Update) -> Answer<'a, BTreeMap<String, String>> {
    Box::pin(async move { R::update(aws, &typed::<R::Spec>(&update.item)?, update).await })
}

fn change_tags<'a, R: Resource>(aws: &'a Aws, update: &'a Update) -> Answer<'a, ()> {
    Box::pin(async move { R::change_tags(aws, &typed::<R::Spec>(&update.item)?, update).await })
}

fn delete<'a, R: Resource>(aws: &'a Aws, item: &'a Item, policy: &'a DeletionPolicy) -> Answer<'a, ()> {
    Box::pin(R::delete(aws, item, policy))
}

fn typed<S: DeserializeOwned>(item: &Item) -> Result<Typed<'_, S>, Failure> {
    // A spec with an unresolved reference is never sent to AWS.
    if let Some((target, attribute)) = references(&item.spec).first() {
        return Err(unexpected("read the spec", &format!("{target}#{attribute}, which {} needs, is not known", item.address)));
    }
    let spec = S::deserialize(&item.spec)
        .map_err(|error| unexpected("read the spec", &format!("the spec of {} is damaged: {error}", item.address)).caused_by(error))?;
    Ok(Typed { spec, item })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::{Address, Kind, spec};
    use serde_json::json;

    #[test]
    fn what_is_not_known_in_full_is_not_sent() {
        let item = |vpc| Item {
            address: Address::new(Kind::InternetGateway, "main"),
            spec: json!({ "vpc": vpc }),
            tags: BTreeMap::new(),
            id: String::new(),
            attributes: BTreeMap::new(),
        };
        let (known, unknown) = (item(json!("vpc-1")), item(json!({ "$join": ["x", { "$ref": "vpc/main#id" }] })));
        assert_eq!(typed::<spec::InternetGateway>(&known).map(|it| it.spec.vpc).ok(), Some("vpc-1".into()));
        let refused = typed::<spec::InternetGateway>(&unknown).map(drop).unwrap_err();
        assert!(refused.message.contains("vpc/main#id"), "{refused}");
    }
}
