use mlops_features::{Entity, EventTime, FeatureView, days};

#[derive(Entity)]
struct Customer {
    customer_id: i64,
}

#[derive(FeatureView)]
#[view(entity = Customer, time = at)]
struct Purchase {
    customer_id: i64,
    at: EventTime,
    amount: f64,
}

fn main() {
    let _ = Purchase::amout().sum().over(days(30));
}
