use mlops_features::{Entity, EventTime, FeatureView, Uuid};

#[derive(Entity)]
struct Customer {
    #[entity(personal)]
    customer_id: i64,
}

#[derive(Entity)]
struct Visitor {
    visitor: Uuid,
}

#[derive(FeatureView)]
#[view(entity = Visitor, time = at, owner = 7)]
struct OwnerIsNoText {
    visitor: Uuid,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Visitor, time = at, tags(domain = "web", domain = "shop"))]
struct TagTwice {
    visitor: Uuid,
    at: EventTime,
}

#[derive(FeatureView)]
#[view(entity = Visitor, time = at)]
struct MisspeltFieldOption {
    visitor: Uuid,
    at: EventTime,
    #[field(private)]
    address: String,
}

#[derive(FeatureView)]
#[view(entity = Visitor, time = at)]
struct KeyOfAnotherType {
    visitor: String,
    at: EventTime,
}

fn main() {}
