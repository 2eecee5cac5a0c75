use mlops_features::Entity;

#[derive(Entity)]
struct Empty {}

#[derive(Entity)]
struct Tuple(i64);

#[derive(Entity)]
enum Choice {
    A,
}

#[derive(Entity)]
struct Generic<T> {
    id: T,
}

#[derive(Entity)]
#[entity(name = "my customer")]
struct BadName {
    id: i64,
}

#[derive(Entity)]
struct RealKey {
    weight: f64,
}

fn main() {}
