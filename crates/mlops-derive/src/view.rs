//! `#[derive(FeatureView)]`: one value of the struct is one event, and each field becomes a handle.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{
    DeriveInput, Error, Ident, LitStr, Path, Result, Type, Visibility, meta::ParseNestedMeta,
};

use crate::{
    field::{ViewField, option},
    names,
};

/// Names of the functions that every view has; a field cannot be called so.
const RESERVED: [&str; 4] = ["view", "table", "time_since_last", "events"];

struct Options {
    krate: Path,
    name: Option<String>,
    entity: Option<Type>,
    time: Option<Ident>,
    created: Option<Ident>,
    ttl: i64,
    boundary: Ident,
    cutoff: Ident,
    owner: String,
    description: String,
    tags: Vec<(String, String)>,
    sources: Vec<String>,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let options = Options::parse(input)?;
    let fields = names::fields(input, "FeatureView")?
        .iter()
        .map(ViewField::parse)
        .collect::<Result<Vec<_>>>()?;
    let missing = |option: &str| {
        let text = format!(
            "a feature view needs `{option}`: #[view(entity = Customer, time = happened_at)]"
        );
        Error::new_spanned(&input.ident, text)
    };
    let entity = options
        .entity
        .as_ref()
        .ok_or_else(|| missing("entity = …"))?;
    let time = options.time.as_ref().ok_or_else(|| missing("time = …"))?;
    let is_time = |ident: &Ident| ident == time || Some(ident) == options.created.as_ref();
    for named in [Some(time), options.created.as_ref()].into_iter().flatten() {
        if !fields.iter().any(|field| field.ident == named) {
            return Err(Error::new_spanned(
                named,
                format!("the struct has no field `{named}`"),
            ));
        }
    }
    if Some(time) == options.created.as_ref() {
        return Err(Error::new_spanned(
            time,
            "`time` and `created` are the same field",
        ));
    }
    let values: Vec<&ViewField<'_>> = fields.iter().filter(|f| !is_time(f.ident)).collect();
    for field in &values {
        if RESERVED.contains(&field.column.as_str()) {
            let text = format!(
                "every view has a function `{}`; rename the field",
                field.column
            );
            return Err(Error::new_spanned(field.ident, text));
        }
    }
    Ok(generate(input, &options, entity, time, &fields, &values))
}

fn generate(
    input: &DeriveInput,
    options: &Options,
    entity: &Type,
    time: &Ident,
    fields: &[ViewField<'_>],
    values: &[&ViewField<'_>],
) -> TokenStream {
    let (ident, vis, krate) = (&input.ident, &input.vis, &options.krate);
    let name = options
        .name
        .clone()
        .unwrap_or_else(|| names::snake_case(ident));
    let text = |ident: &Ident| names::column(ident).expect("checked with the fields");
    let time_column = text(time);
    let created = option(options.created.as_ref().map(text).as_ref());
    let (ttl, boundary, cutoff) = (options.ttl, &options.boundary, &options.cutoff);
    let specs = values.iter().map(|field| field.spec(krate));
    let times = fields
        .iter()
        .filter(|f| !values.iter().any(|v| v.ident == f.ident));
    let renames = times.filter_map(ViewField::rename);
    let (owner, description, sources) = (&options.owner, &options.description, &options.sources);
    let tags = options
        .tags
        .iter()
        .map(|(name, value)| quote!((#name, #value)));
    let time_types = fields
        .iter()
        .filter(|f| !values.iter().any(|v| v.ident == f.ident));
    let time_checks = time_types.map(|field| {
        let ty = field.ty;
        let check = if field.ident == time {
            quote!(is_event_time)
        } else {
            quote!(is_time)
        };
        quote!(#krate::private::#check::<#ty>();)
    });
    let arrays = fields.iter().map(|field| {
        let (column, ident, ty) = (&field.column, field.ident, field.ty);
        let array = quote_spanned!(names::generated_at(ty)=> #krate::private::array::<#ty>);
        quote!((#column, #array(rows.iter().map(|row| &row.#ident))))
    });
    let handles = values.iter().map(|field| handle(field, krate, vis));
    let spec = format_ident!("SPEC", span = Span::mixed_site());
    let key_checks = quote_spanned! {names::generated_at(entity)=>
        let keys = <#entity as #krate::EntityRow>::KEYS;
        assert!(
            #krate::private::has_keys(keys, #spec.fields),
            "a key column of the entity is no field of the view",
        );
        assert!(
            #krate::private::keys_fit(keys, #spec.fields),
            "a key column of the entity has another type in the view",
        );
    };
    quote! {
        const _: () = {
            const #spec: #krate::private::ViewSpec = #krate::private::ViewSpec {
                name: #name,
                time: #time_column,
                created: #created,
                ttl: #ttl,
                boundary: #krate::Boundary::#boundary,
                cutoff: #krate::Cutoff::#cutoff,
                fields: &[#(#specs),*],
                renames: &[#(#renames),*],
                owner: #owner,
                description: #description,
                tags: &[#(#tags),*],
                sources: &[#(#sources),*],
            };
            const _: () = {
                #key_checks
                #(#time_checks)*
            };

            #[automatically_derived]
            impl #krate::ViewRow for #ident {
                fn view() -> #krate::FeatureView {
                    static VIEW: ::std::sync::OnceLock<#krate::FeatureView> = ::std::sync::OnceLock::new();
                    VIEW.get_or_init(|| #krate::private::view::<#entity>(&#spec)).clone()
                }

                fn table(rows: &[Self]) -> #krate::Result<#krate::private::Table> {
                    let view = <Self as #krate::ViewRow>::view();
                    #krate::private::table(&view, &[#(#arrays),*])
                }
            }
        };

        #[automatically_derived]
        impl #ident {
            #(#handles)*

            /// The days since the last event.
            #[allow(dead_code, reason = "not every view is asked for it")]
            #vis fn time_since_last() -> #krate::Result<#krate::Feature> {
                #krate::Feature::time_since_last(&<Self as #krate::ViewRow>::view())
            }

            /// The number of events over a window.
            #[allow(dead_code, reason = "not every view is asked for it")]
            #vis fn events() -> #krate::Aggregate {
                #krate::Feature::events(&<Self as #krate::ViewRow>::view())
            }
        }
    }
}

/// The function that gives the typed handle of a field.
fn handle(field: &ViewField<'_>, krate: &Path, vis: &Visibility) -> TokenStream {
    let (function, ty, column) = (field.ident, field.ty, &field.column);
    let doc = format!("The field `{column}`, to make features from.");
    quote! {
        #[doc = #doc]
        #[allow(dead_code, reason = "not every field becomes a feature")]
        #vis fn #function() -> #krate::Handle<<#ty as #krate::FieldValue>::Base> {
            #krate::Handle::new(<Self as #krate::ViewRow>::view(), #column)
        }
    }
}

impl Options {
    fn parse(input: &DeriveInput) -> Result<Self> {
        let word = |word| Ident::new(word, Span::call_site());
        let mut options = Self {
            krate: names::default_crate(),
            name: None,
            entity: None,
            time: None,
            created: None,
            ttl: 0,
            boundary: word("Inclusive"),
            cutoff: word("EventTime"),
            owner: String::new(),
            description: names::doc(&input.attrs),
            tags: Vec::new(),
            sources: Vec::new(),
        };
        for attribute in input.attrs.iter().filter(|a| a.path().is_ident("view")) {
            attribute.parse_nested_meta(|meta| options.set(&meta))?;
        }
        if options.cutoff == "CreatedTime" && options.created.is_none() {
            let text = "a created-time cutoff needs `created = …`";
            return Err(Error::new_spanned(&input.ident, text));
        }
        if options.name.is_none() {
            names::checked(names::snake_case(&input.ident), input.ident.span())?;
        }
        Ok(options)
    }

    fn set(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let option = meta
            .path
            .get_ident()
            .map(ToString::to_string)
            .unwrap_or_default();
        match option.as_str() {
            "entity" => self.entity = Some(meta.value()?.parse()?),
            "time" => self.time = Some(meta.value()?.parse()?),
            "created" => self.created = Some(meta.value()?.parse()?),
            "ttl" => self.ttl = names::micros(&meta.value()?.parse()?)?,
            "boundary" => {
                self.boundary = choice(
                    meta,
                    &[("inclusive", "Inclusive"), ("exclusive", "Exclusive")],
                )?;
            }
            "cutoff" => {
                self.cutoff = choice(
                    meta,
                    &[("event_time", "EventTime"), ("created_time", "CreatedTime")],
                )?;
            }
            "name" => {
                let text: LitStr = meta.value()?.parse()?;
                self.name = Some(names::checked(text.value(), text.span())?);
            }
            "owner" => self.owner = text(meta)?,
            "description" => self.description = text(meta)?,
            "source" => self.sources.push(text(meta)?),
            "tags" => meta.parse_nested_meta(|tag| {
                let name = tag.path.require_ident()?.to_string();
                if self.tags.iter().any(|(known, _)| *known == name) {
                    return Err(tag.error("the view has this tag already"));
                }
                self.tags.push((name, text(&tag)?));
                Ok(())
            })?,
            "crate" => self.krate = names::crate_path(&meta.value()?.parse()?)?,
            _ => {
                return Err(meta.error(
                    "a view has the options `entity`, `time`, `created`, `ttl`, `boundary`, `cutoff`, `name`, `owner`, `description`, `tags`, `source` and `crate`",
                ));
            }
        }
        Ok(())
    }
}

fn text(meta: &ParseNestedMeta<'_>) -> Result<String> {
    Ok(meta.value()?.parse::<LitStr>()?.value())
}

fn choice(meta: &ParseNestedMeta<'_>, choices: &[(&str, &str)]) -> Result<Ident> {
    let text: LitStr = meta.value()?.parse()?;
    let value = text.value();
    let found = choices.iter().find(|(name, _)| *name == value);
    found
        .map(|(_, variant)| Ident::new(variant, text.span()))
        .ok_or_else(|| {
            let names: Vec<String> = choices
                .iter()
                .map(|(name, _)| format!("\"{name}\""))
                .collect();
            Error::new_spanned(&text, format!("expected {}", names.join(" or ")))
        })
}
